package db

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// foldPages is from how many pages on the journal is folded: before journalPages, by as
	// much as busy writers add until somebody has looked.
	foldPages = 3000
	// foldAfter is how long after a commit somebody looks.
	foldAfter = 50 * time.Millisecond
)

// folder folds the journal of a SQLite database into its file while others write. SQLite
// itself does so in the commit that reaches journalPages: thousands of pages are copied and
// the disk is asked twice, for which that commit and everybody behind it wait, 5 to 50 ms.
// What is written meanwhile is folded after the next commit: so few pages that it takes
// about as long as a commit. The journal can begin anew only when nothing of it is left.
type folder struct {
	lite  *lite
	timer *time.Timer
	due   atomic.Bool // there was a commit, and the timer runs
	rest  atomic.Bool // the writer has to fold what is left

	mu     sync.Mutex // one look at a time
	closed bool
}

func newFolder(name string) (*folder, error) {
	l, err := openLite(name)
	if err != nil {
		return nil, err
	}
	f := &folder{lite: l}
	f.timer = time.AfterFunc(foldAfter, f.look)
	return f, nil
}

// committed sees to it that somebody looks soon, and tells whether the writer has to fold
// what is left.
func (f *folder) committed() (rest bool) {
	if !f.due.Load() && !f.due.Swap(true) {
		f.timer.Reset(foldAfter)
	}
	return f.rest.Load() && f.rest.Swap(false)
}

// look folds the journal when it is long. It tells nobody of errors: the disk that gives
// them gives them to commits as well, which fold the journal themselves when nobody else has.
func (f *folder) look() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	f.due.Store(false)
	if pages, _, err := checkpoint(f.lite, "noop"); err != nil || pages < foldPages {
		return
	}
	if _, _, err := checkpoint(f.lite, "passive"); err == nil {
		f.rest.Store(true)
	}
}

// checkpoint runs a checkpoint of that mode, of which "noop" only looks and "passive" waits
// for nobody. It gives how many pages are in the journal, and how many of them in the file.
// https://sqlite.org/pragma.html#pragma_wal_checkpoint
func checkpoint(l *lite, mode string) (pages, folded int, err error) {
	var busy int
	err = l.row(context.Background(), "pragma wal_checkpoint("+mode+")", nil, []any{&busy, &pages, &folded})
	return pages, folded, err
}

func (f *folder) close() error {
	f.timer.Stop()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return f.lite.close()
}
