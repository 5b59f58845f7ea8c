package clients

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/secret"
)

// DiaryKeeps is how many requests of each client are kept. The newest that was answered
// with a signature by default is kept besides, for each endpoint: anybody can fill a
// diary with requests that are refused, and Takers must not forget the client by that.
const DiaryKeeps = 50

// maxWaiting bounds the clients whose requests wait in memory; more are dropped.
const maxWaiting = 500

// Diary remembers the last requests of each client, for its developer. Note costs a
// lock and no more; Flush writes. Under load the older of what waits are dropped.
// NoteSigned writes at once what the key ring asks about, once a day.
type Diary struct {
	DB    *db.DB
	Clock clock.Clock
	Log   *slog.Logger

	mu      sync.Mutex
	waiting map[string]*page
	signed  map[taken]bool // what NoteSigned wrote since the time below
	since   time.Time
}

// page is the newest requests of a client that wait: a ring, once there are many.
type page struct {
	requests []Request
	oldest   int
}

func (p *page) add(r Request) {
	if len(p.requests) < DiaryKeeps {
		p.requests = append(p.requests, r)
		return
	}
	p.requests[p.oldest] = r
	p.oldest = (p.oldest + 1) % DiaryKeeps
}

// inOrder gives them with names, the oldest first.
func (p *page) inOrder() []Request {
	all := slices.Concat(p.requests[p.oldest:], p.requests[:p.oldest])
	for i := range all {
		all[i].ID = secret.NewID()
	}
	return all
}

// Note takes a request; a nil Diary takes none. The details must not change any more.
func (d *Diary) Note(r Request) {
	if d == nil || r.ClientID == "" {
		return
	}
	r.At = d.Clock()
	d.mu.Lock()
	defer d.mu.Unlock()
	mine := d.waiting[r.ClientID]
	switch {
	case mine == nil && len(d.waiting) >= maxWaiting:
		return
	case d.waiting == nil:
		d.waiting = map[string]*page{}
		fallthrough
	case mine == nil:
		mine = &page{}
		d.waiting[r.ClientID] = mine
	}
	mine.add(r)
}

// Flush writes what waits and keeps the newest of each client. What cannot be written
// is lost: nobody's log-in hangs on it.
func (d *Diary) Flush(ctx context.Context) error {
	d.mu.Lock()
	all := d.waiting
	d.waiting = nil
	d.mu.Unlock()
	if len(all) == 0 {
		return nil
	}
	for id, waits := range all { // a transaction each: a client that is gone spoils no other's
		if err := d.write(ctx, id, waits); err != nil && ctx.Err() == nil {
			d.complain(ctx, id, err)
		}
	}
	return ctx.Err()
}

// write puts what waits of a client into the table and forgets what is too much there.
func (d *Diary) write(ctx context.Context, id string, waits *page) error {
	s := diaryStore{d.DB}
	return d.DB.Tx(ctx, func(ctx context.Context) error {
		for _, r := range waits.inOrder() {
			if err := s.insert(ctx, r); err != nil {
				return err
			}
		}
		return s.trim(ctx, id)
	})
}

func (d *Diary) complain(ctx context.Context, id string, err error) {
	d.Log.WarnContext(ctx, "requests of a client are not remembered", "client", id, "error", err.Error())
}

// Last gives the requests of a client that were written, the newest first.
func (d *Diary) Last(ctx context.Context, clientID string) ([]Request, error) {
	return diaryStore{d.DB}.last(ctx, clientID)
}
