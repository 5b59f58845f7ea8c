package dbtest

import (
	"context"
	"database/sql"
	"net/url"
	"strings"
	"testing"
	"time"
)

// holder is a program of a test: a transaction that reads table two of a schema with the
// tables one and two, and keeps the others waiting until it ends.
func holder(t *testing.T) (s *found, name string, tx *sql.Tx) {
	t.Helper()
	s, err := server()
	if err != nil {
		without(t, err)
	}
	u, err := url.Parse(newSchema(t))
	if err != nil {
		t.Fatal(err)
	}
	pool, err := sql.Open("pgx", u.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	if _, err := pool.Exec(`create table one (id bigint); create table two (id bigint)`); err != nil {
		t.Fatal(err)
	}
	if tx, err = pool.BeginTx(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tx.Rollback() })
	reads(t, tx, "two")
	return s, u.Query().Get("search_path"), tx
}

func reads(t *testing.T, tx *sql.Tx, table string) {
	t.Helper()
	if _, err := tx.ExecContext(t.Context(), `select count(*) from `+table); err != nil {
		t.Errorf("the program reads table %s: %v", table, err)
	}
}

// awaitDrop waits until the drop of a schema has table one and waits for table two.
func awaitDrop(t *testing.T, s *found, name string) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	for has := 0; has < 2; {
		err := s.admin.QueryRowContext(ctx, `select count(*) from pg_locks where mode = 'AccessExclusiveLock'
			and (relation = ($1 || '.one')::regclass and granted or relation = ($1 || '.two')::regclass and not granted)`, name).Scan(&has)
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestASchemaIsDroppedBesideAProgramThatStillEndsAStatement(t *testing.T) {
	s, name, tx := holder(t)
	if _, err := tx.Exec(`set local deadlock_timeout = '1min'`); err != nil { // so it is the drop that is refused
		t.Fatal(err)
	}
	dropped := make(chan error, 1)
	go func() { dropped <- s.drop(name, dropWaits) }()
	awaitDrop(t, s, name)
	reads(t, tx, "one")
	tx.Rollback()
	if err := <-dropped; err != nil {
		t.Errorf("got %v, want the schema dropped", err)
	}
}

func TestAProgramThatHangsIsTold(t *testing.T) {
	s, name, _ := holder(t)
	err := s.drop(name, 20*time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "is the program of the test still running?") {
		t.Errorf("got %v, want to be told of the program", err)
	}
}
