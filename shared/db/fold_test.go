package db_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// journal looks at the journal of a SQLite database as another program would.
func journal(t *testing.T, path string) (look func() (pages, folded int)) {
	t.Helper()
	other, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	return func() (pages, folded int) {
		for pages = -1; pages < 0; { // while a commit is being made
			var busy int
			if err := other.QueryRow("pragma wal_checkpoint(noop)").Scan(&busy, &pages, &folded); err != nil {
				t.Fatal(err)
			}
		}
		return pages, folded
	}
}

// How long the journal is when it is folded, and shortly before a commit does so.
const (
	long    = 3000
	tooLong = 3900
)

// A long journal is folded into the file while others write, before it is so long that a
// commit would have to, and begins anew; nothing of it is lost.
func TestTheJournalIsFoldedBesideTheCommits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	d := dbtest.Open(t, "sqlite:"+path, nil)
	if _, err := d.Exec(t.Context(), `create table pages (text text)`); err != nil {
		t.Fatal(err)
	}
	look, page := journal(t, path), strings.Repeat("x", 4000)
	var written atomic.Int64
	write := func() {
		if _, err := d.Exec(t.Context(), `insert into pages values ($1)`, page); err != nil {
			t.Error(err)
		}
		written.Add(1)
	}
	pages, folded := 0, 0
	for pages < long-50 {
		write()
		if pages, folded = look(); folded != 0 {
			t.Fatalf("%d of %d pages are folded already", folded, pages)
		}
	}
	var over atomic.Bool
	var writers sync.WaitGroup
	for range 2 {
		writers.Go(func() {
			for !over.Load() {
				write()
				time.Sleep(2 * time.Millisecond)
			}
		})
	}
	for pages >= long-50 && pages < tooLong {
		pages, _ = look()
	}
	over.Store(true)
	writers.Wait()
	if pages >= tooLong {
		t.Errorf("nobody folded the journal: it has %d pages", pages)
	}
	var rows int
	if err := d.Row(t.Context(), `select count(*) from pages`, nil, &rows); err != nil || int64(rows) != written.Load() {
		t.Errorf("%d rows of %d, %v", rows, written.Load(), err)
	}
	if answer := check(t, d); answer != "ok" {
		t.Errorf("integrity_check says %s", answer)
	}
}

func check(t *testing.T, d *db.DB) (answer string) {
	t.Helper()
	if err := d.Row(t.Context(), `select integrity_check from pragma_integrity_check`, nil, &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}
