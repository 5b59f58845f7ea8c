package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/mattn/go-sqlite3"

	"tegata/shared/secret"
)

// oldestSQLite is the first version without the bug that could destroy a database whose
// journal was reset (F-12): 3.51.3.
const oldestSQLite = 3051003

// Open opens the database at rawURL: "sqlite:PATH" (the folder is made, the file
// gets mode 0600) or "postgres://…". It checks that the database answers, and refuses a
// file that others may read or change.
func Open(ctx context.Context, rawURL string) (*DB, error) {
	path, lite := sqlitePath(rawURL)
	if lite {
		if err := makeFile(path); err != nil {
			return nil, err
		}
	}
	return OpenExisting(ctx, rawURL)
}

// OpenExisting is Open for a database that has to be there: where the file of SQLite is
// not, it makes nothing and gives *Missing.
func OpenExisting(ctx context.Context, rawURL string) (*DB, error) {
	if path, ok := sqlitePath(rawURL); ok {
		if err := OthersOut(rawURL); err != nil {
			return nil, err
		}
		return openSQLite(ctx, path)
	}
	if strings.HasPrefix(rawURL, "postgres:") || strings.HasPrefix(rawURL, "postgresql:") {
		return openPostgres(ctx, rawURL)
	}
	return nil, fmt.Errorf("database url %q: want sqlite:PATH or postgres://…", Redact(rawURL))
}

// Missing says that SQLite has no database at that path.
type Missing struct{ Path string }

func (m *Missing) Error() string { return "there is no database at " + m.Path }

// unreachable is a PostgreSQL that could not be asked: in the driver's words for people,
// and as our fault for code.
type unreachable struct {
	url   string // without its password
	cause error
}

func (u *unreachable) Error() string { return u.url + ": " + u.cause.Error() }

func (u *unreachable) Unwrap() error { return translate(u.cause) }

// sqlitePath gives the file of a URL that names one.
func sqlitePath(rawURL string) (path string, ok bool) {
	rest, ok := strings.CutPrefix(rawURL, "sqlite:")
	return strings.TrimPrefix(rest, "//"), ok
}

// OthersOut refuses a SQLite database that others on the machine may read or change, its
// journals too: it holds people's data, and who writes it is the provider. Its group
// may: a volume can be the group's, which gives every file 0660 at each mount.
func OthersOut(rawURL string) error {
	path, ok := sqlitePath(rawURL)
	if !ok {
		return nil
	}
	return secret.OthersOut(path, path+"-wal", path+"-shm", path+"-journal")
}

// makeFile makes an empty database where there is none. The journal files beside it get
// the mode of the file.
func makeFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// Redact hides the passwords of a database URL. Where they stand the driver knows best: it
// hides them in the error about a URL that it cannot read, which is the only way to ask it.
func Redact(rawURL string) string {
	if _, lite := sqlitePath(rawURL); lite {
		return rawURL
	}
	_, told, _ := strings.Cut(pgconn.NewParseConfigError(rawURL, "", nil).Error(), "`")
	end := strings.LastIndexByte(told, '`')
	if end < 0 {
		return "(unreadable url)"
	}
	return told[:end]
}

// CheckPostgres asks the driver whether it can read the URL of a PostgreSQL, and tells
// whether a password stands in it. The error may hold a part of it.
func CheckPostgres(rawURL string) (password bool, err error) {
	_, err = pgxpool.ParseConfig(rawURL)
	return Redact(rawURL) != rawURL, err
}

func openPostgres(ctx context.Context, rawURL string) (*DB, error) {
	pool, err := openPool(rawURL)
	if err != nil {
		return nil, err
	}
	d := &DB{pool: pool, reader: newPooled(pool)}
	if err := d.Ping(ctx); err != nil {
		pool.Close()
		return nil, &unreachable{Redact(rawURL), err}
	}
	return d, nil
}

func openSQLite(ctx context.Context, path string) (*DB, error) {
	if text, version, _ := sqlite3.Version(); version < oldestSQLite {
		return nil, fmt.Errorf("SQLite %s can destroy a database, want 3.51.3 or newer: build with a newer go-sqlite3", text)
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) { // SQLite would make it
		return nil, &Missing{path}
	} else if err != nil {
		return nil, err
	}
	keepMemory()
	// No mutex: each connection belongs to one goroutine at a time.
	const common = "?_mutex=no&_journal_mode=WAL&_synchronous=FULL&_foreign_keys=1&_busy_timeout=5000&_cache_size=-4000"
	name := "file:" + (&url.URL{Path: path}).EscapedPath() + common
	w, err := newWriter(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	r, err := openReaders(name+"&_query_only=1", max(4, runtime.GOMAXPROCS(0)))
	if err != nil {
		return nil, errors.Join(err, w.close())
	}
	d := &DB{reader: r, readers: r, writer: w}
	if err := d.checkSettings(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), d.Close())
	}
	return d, nil
}

// checkSettings asks both kinds of connection whether they are set as we asked: the
// driver takes a misspelled setting silently, and a disk may not allow the journal.
func (d *DB) checkSettings(ctx context.Context) error {
	for _, c := range []struct {
		on            querier
		setting, want string
	}{
		{d.writer.conn, "journal_mode", "wal"},
		{d.writer.conn, "synchronous", "2"}, // FULL: what was acknowledged survives a power cut (F-07)
		{d.writer.conn, "foreign_keys", "1"},
		{d.writer.conn, "temp_store", "2"}, // memory
		{d.writer.conn, "wal_autocheckpoint", strconv.Itoa(journalPages)},
		{d.readers, "journal_mode", "wal"},
		{d.readers, "query_only", "1"},
	} {
		got, err := pragma(ctx, c.on, c.setting)
		if err != nil {
			return err
		}
		if got != c.want {
			return fmt.Errorf("SQLite keeps %s at %s, want %s", c.setting, got, c.want)
		}
	}
	return nil
}

func pragma(ctx context.Context, on querier, setting string) (string, error) {
	rows, err := on.query(ctx, "pragma "+setting, nil)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	if !rows.Next() {
		return "", errors.Join(rows.Err(), fmt.Errorf("SQLite does not know %s", setting))
	}
	var got any
	err = rows.Scan(&got)
	return fmt.Sprint(got), err
}
