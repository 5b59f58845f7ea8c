package db_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/fault"
)

// nobody else on the machine reads the database or its journals.
func TestFilesOfSQLiteAreOursAlone(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "var", "odd name %41?#")
	path := filepath.Join(folder, "test.db")
	d := dbtest.Open(t, "sqlite:"+path, things)
	if err := insert(t.Context(), d, "a"); err != nil {
		t.Fatal(err)
	}
	ids(t, d)
	for name, want := range map[string]os.FileMode{"": 0o700 | os.ModeDir, "test.db": 0o600, "test.db-wal": 0o600, "test.db-shm": 0o600} {
		info, err := os.Stat(filepath.Join(folder, name))
		if err != nil {
			t.Error(err)
		} else if info.Mode() != want {
			t.Errorf("%q: mode %v, want %v", name, info.Mode(), want)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !os.IsNotExist(err) {
		t.Errorf("the journal is left behind: %v", err)
	}
}

// what others on the machine may read or change is not opened; the group may be us.
func TestADatabaseThatOthersMayUseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	url := "sqlite:" + path
	first := dbtest.Open(t, url, things) // keeps the journals there
	if err := insert(t.Context(), first, "a"); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		for _, mode := range []os.FileMode{0o644, 0o664, 0o601, 0o602} {
			if err := os.Chmod(path+suffix, mode); err != nil {
				t.Fatal(err)
			}
			for _, open := range []func(context.Context, string) (*db.DB, error){db.Open, db.OpenExisting} {
				d, err := open(t.Context(), url)
				if err == nil {
					d.Close()
				}
				if err == nil || !strings.HasSuffix(err.Error(), "run: chmod o-rwx "+path+suffix) {
					t.Errorf("%s with mode %04o: %v, want a refusal that tells what to do", suffix, mode, err)
				}
			}
		}
		if err := os.Chmod(path+suffix, 0o660); err != nil { // as in a volume of the group's
			t.Fatal(err)
		}
	}
	again, err := db.OpenExisting(t.Context(), url)
	if err != nil {
		t.Fatalf("with mode 0660: %v", err)
	}
	again.Close()
}

func TestAFolderInThePlaceOfADatabaseIsToldAsOne(t *testing.T) {
	path := t.TempDir()
	if _, err := db.OpenExisting(t.Context(), "sqlite:"+path); err == nil || err.Error() != path+" is a folder, want a file" {
		t.Errorf("got %v", err)
	}
}

func TestOpenExistingMakesNothing(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "wrong")
	path := filepath.Join(folder, "test.db")
	if d, err := db.OpenExisting(t.Context(), "sqlite:"+path); !errors.As(err, new(*db.Missing)) || d != nil {
		t.Errorf("got %v %v, want *db.Missing", d, err)
	}
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("the folder was made: %v", err)
	}
	dbtest.EachURL(t, func(t *testing.T, url string) {
		d := dbtest.Open(t, url, things)
		if err := insert(t.Context(), d, "a"); err != nil {
			t.Fatal(err)
		}
		again, err := db.OpenExisting(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		if got := ids(t, again); got != "a" {
			t.Errorf("got %v, want what was there", got)
		}
	})
}

func TestReadersOfSQLiteCannotWrite(t *testing.T) {
	d := dbtest.SQLite(t, things)
	var on int
	if err := d.Row(t.Context(), `select query_only from pragma_query_only`, nil, &on); err != nil || on != 1 {
		t.Errorf("query_only: got %d, %v, want 1", on, err)
	}
}

func TestForeignKeysAreKeptOnBoth(t *testing.T) {
	schema := files(`
		create table parents (id text primary key);
		create table children (id text primary key, parent_id text not null references parents (id) on delete cascade);`)
	dbtest.Each(t, schema, func(t *testing.T, d *db.DB) {
		if _, err := d.Exec(t.Context(), `insert into children (id, parent_id) values ('c', 'nobody')`); err == nil {
			t.Error("a child without its parent was kept")
		}
	})
}

func TestAMissingPostgresIsBusyAndSoon(t *testing.T) {
	start := time.Now()
	_, err := db.Open(t.Context(), "postgres://someone:hidden@127.0.0.1:1/none")
	if !fault.Is(err, fault.Busy) || time.Since(start) > 5*time.Second {
		t.Errorf("got %v after %v, want fault.Busy at once", err, time.Since(start))
	}
	if strings.Contains(err.Error(), "hidden") {
		t.Errorf("the password is in the message: %v", err)
	}
	if strings.Contains(err.Error(), "db.busy") || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("%v, want the driver's words", err)
	}
}

// F-14: a connection that PostgreSQL closed fails one statement as Busy at most, and
// the next one gets a new connection.
func TestALostConnectionIsReplaced(t *testing.T) {
	url := dbtest.URL(t, dbtest.KindPostgres)
	d, other := dbtest.Open(t, url, things), dbtest.Open(t, url, nil)
	err := d.Tx(t.Context(), func(ctx context.Context) error {
		var pid int
		if err := d.Row(ctx, `select pg_backend_pid()`, nil, &pid); err != nil {
			return err
		}
		if err := other.Row(t.Context(), `select pg_terminate_backend($1)`, db.Args(pid), new(bool)); err != nil {
			return err
		}
		for range 1000 { // until the server has done it
			if err := insert(ctx, d, "a"); err != nil {
				return err
			}
			if _, err := d.Exec(ctx, `delete from things`); err != nil {
				return err
			}
		}
		return nil
	})
	if !fault.Is(err, fault.Busy) {
		t.Errorf("got %v, want fault.Busy", err)
	}
	stillWorks(t, d)
}

// Connections that broke while nobody used them are not handed to anybody.
func TestConnectionsThatBrokeUnusedGoUnnoticed(t *testing.T) {
	url := dbtest.URL(t, dbtest.KindPostgres) + "&application_name=" + t.Name()
	d, other := dbtest.Open(t, url, things), dbtest.Open(t, url, nil)
	if err := d.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec(t.Context(), `
		select pg_terminate_backend(pid, 5000) from pg_stat_activity
		where application_name = $1 and pid <> pg_backend_pid()`, t.Name()); err != nil {
		t.Fatal(err)
	}
	<-time.After(1100 * time.Millisecond) // pgx asks connections that were idle for a second whether they are alive
	stillWorks(t, d)
}

func TestTheURLMaySetTheSizeOfThePool(t *testing.T) {
	d := dbtest.Open(t, dbtest.URL(t, dbtest.KindPostgres)+"&pool_max_conns=1", nil)
	err := d.Tx(t.Context(), func(context.Context) error {
		outside, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := d.Exec(outside, `select 1`) // there is no second connection
		return err
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want to have waited for a connection", err)
	}
}

func TestUnknownURLsAreRefusedWithoutTheirPassword(t *testing.T) {
	for _, rawURL := range []string{"", "mysql://u:hidden@h/d", "var/idp.db", "postgres://u:hidden@h:port/d"} {
		_, err := db.Open(t.Context(), rawURL)
		if err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%q: got %v", rawURL, err)
		}
	}
}

func TestPasswordsOfAURLAreHiddenWhereverTheyStand(t *testing.T) {
	for rawURL, want := range map[string]string{
		"postgres://u:hidden@h/d": "postgres://u:xxxxx@h/d",
		"postgres://u:hidden@h:1,k:2/d?target_session_attrs=read-write": "postgres://u:xxxxx@h:1,k:2/d?target_session_attrs=read-write",
		"postgres://u:hidden@h:1,k/d":                                   "postgres://u:xxxxx@h:1,k/d",
		"postgres://h/d?user=u&password=hidden&sslpassword=hidden":      "postgres://h/d?user=u&password=xxxxx&sslpassword=xxxxx",
		"postgresql://h/d?pass%77ord=hidden`":                           "postgresql://h/d?pass%77ord=xxxxx",
		"postgres://u:hid/hidden@h/d":                                   "postgres://u:xxxxxx@h/d",
		"host=h password=hidden":                                        "host=h password=xxxxx",
		"postgres://u@h/d":                                              "postgres://u@h/d",
		"sqlite:var/password=1.db":                                      "sqlite:var/password=1.db",
	} {
		if got := db.Redact(rawURL); got != want {
			t.Errorf("%s: got %s, want %s", rawURL, got, want)
		}
		if password, _ := db.CheckPostgres(rawURL); password != (want != rawURL) {
			t.Errorf("%s: a password stands in it: %v", rawURL, password)
		}
	}
}

func TestSeveralHostsOfPostgresAreTried(t *testing.T) {
	_, err := db.Open(t.Context(), "postgres://nobody@127.0.0.1:1,127.0.0.1:2/x?target_session_attrs=read-write")
	if !fault.Is(err, fault.Busy) || !strings.Contains(err.Error(), "127.0.0.1:1") || !strings.Contains(err.Error(), "127.0.0.1:2") {
		t.Errorf("got %v, want that neither answers", err)
	}
}

// F-14: a server that takes connections and says nothing is away, as one that is not there.
func TestASilentPostgresIsBusy(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // the kernel accepts, and nobody answers
	_, err = db.Open(t.Context(), fmt.Sprintf("postgres://someone@%s/none?sslmode=disable&connect_timeout=1", l.Addr()))
	if !fault.Is(err, fault.Busy) {
		t.Errorf("got %v, want fault.Busy", err)
	}
}
