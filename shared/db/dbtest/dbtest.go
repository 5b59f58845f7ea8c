// Package dbtest gives each test a database of its own, and runs a test on both kinds.
//
//	Each               one subtest on SQLite, one on PostgreSQL
//	SQLite, Postgres   an open, migrated database of that kind
//	EachURL, URL       only its URL, for tests of whole programs
//	Mechanisms         the schema of the shared mechanisms
//	StartDurable       a PostgreSQL server for measurements (durable.go)
//
// A SQLite database is a file in the test's temporary folder. A PostgreSQL one is a
// schema that is dropped after the test (drop.go): on the server that TEGATA_TEST_PG names
// ("postgres://…"), else on a throw-away server made from the installed binaries, which
// all test processes of the machine share (cluster.go). Without either the
// PostgreSQL half is skipped, loudly; with CI set or TEGATA_TEST_PG=required it fails.
package dbtest

import (
	"database/sql"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // for what tests do beside shared/db

	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/secret"
)

// The kinds of database.
const (
	KindSQLite   = "sqlite"
	KindPostgres = "postgres"
)

// Each runs test on a fresh database of each kind, with schema applied unless it is nil.
func Each(t *testing.T, schema fs.FS, test func(t *testing.T, d *db.DB)) {
	t.Helper()
	EachURL(t, func(t *testing.T, rawURL string) { test(t, Open(t, rawURL, schema)) })
}

// EachURL is Each for tests that open the database themselves.
func EachURL(t *testing.T, test func(t *testing.T, rawURL string)) {
	t.Helper()
	for _, kind := range []string{KindSQLite, KindPostgres} {
		t.Run(kind, func(t *testing.T) { test(t, URL(t, kind)) })
	}
}

// SQLite gives a fresh SQLite database.
func SQLite(t testing.TB, schema fs.FS) *db.DB {
	t.Helper()
	return Open(t, URL(t, KindSQLite), schema)
}

// Postgres gives a fresh PostgreSQL database, or skips the test.
func Postgres(t testing.TB, schema fs.FS) *db.DB {
	t.Helper()
	return Open(t, URL(t, KindPostgres), schema)
}

// Open opens a database for the time of the test: a second handle, as another node
// would have it.
func Open(t testing.TB, rawURL string, schema fs.FS) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), rawURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("close database: %v", err)
		}
	})
	if schema != nil {
		if _, err := d.Migrate(t.Context(), schema, clock.System()); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// URL gives the URL of a fresh, empty database of that kind. It is gone after the test.
func URL(t testing.TB, kind string) string {
	t.Helper()
	switch kind {
	case KindSQLite:
		return "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	case KindPostgres:
		return newSchema(t)
	}
	t.Fatalf("dbtest: there is no kind %q", kind)
	return ""
}

// server is the PostgreSQL server of this process.
var server = sync.OnceValues(func() (*found, error) {
	s := &found{url: os.Getenv("TEGATA_TEST_PG")}
	var err error
	if s.url == "" || s.url == "required" {
		if s.url, s.use, err = joinCluster(); err != nil {
			return nil, err
		}
	}
	if s.admin, err = sql.Open("pgx", s.url); err != nil {
		return nil, err
	}
	return s, s.admin.Ping()
})

// found is a server and a connection to make schemas with.
type found struct {
	url   string
	admin *sql.DB
	use   *os.File // the lock that keeps a throw-away server; open until the process ends
}

func newSchema(t testing.TB) string {
	t.Helper()
	s, err := server()
	if err != nil {
		without(t, err)
	}
	name := "t" + hex.EncodeToString(secret.Bytes(8))
	if _, err := s.admin.Exec("create schema " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.drop(name, dropWaits); err != nil {
			t.Errorf("dbtest: %v", err)
		}
	})
	u, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

// without ends a test that has no PostgreSQL.
func without(t testing.TB, err error) {
	t.Helper()
	if os.Getenv("CI") != "" || os.Getenv("TEGATA_TEST_PG") != "" {
		t.Fatalf("dbtest: no PostgreSQL: %v", err)
	}
	fmt.Fprintf(os.Stderr, "\n*** NOT TESTED ON POSTGRESQL: %s: %v\n*** install postgresql or set TEGATA_TEST_PG=postgres://…\n\n", t.Name(), err)
	t.Skip("not tested on PostgreSQL: ", err)
}
