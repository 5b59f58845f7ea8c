package keys

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"tegata/shared/audit"
)

const (
	// rememberAgain is how exact the times of fetches and sightings are: one write per
	// reader and place in this time, unless a new key is in the set.
	rememberAgain = time.Hour
	// maxNotes bounds what strangers can make us keep between two looks.
	maxNotes = 4096
	// maxAgent bounds what a program says of itself.
	maxAgent = 128
)

// from is where a request came from: reader is its name when it gave one.
type from struct{ place, agent, reader string }

// fetch is the newest key set that was fetched from there.
type fetch struct {
	from
	generation int64
	at         time.Time
}

// notebook keeps in memory who came by since the last look; Watch writes it down.
type notebook struct {
	mu      sync.Mutex
	fetched map[from]*fetch
	newest  fetch // of all, also when there are too many places
	seen    map[from]time.Time
	written map[from]fetch     // what the database has, as far as this process knows
	kept    map[from]time.Time // the same for seen
}

// Fetched notes that the key set with that entity tag was handed out (also by "not
// modified"). reader is the client_id that came in the query, "" without one. It costs
// no database work; the context tells place and agent.
func (r *Ring) Fetched(ctx context.Context, etag, reader string) {
	s := r.now.Load()
	if s == nil || s.etag != etag {
		return // changed in between: what was handed out is older than what we know
	}
	at := r.origin(ctx, reader)
	n := &r.notebook
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fetched == nil {
		n.fetched = map[from]*fetch{}
	}
	n.newest.generation, n.newest.at = s.mark.ring, r.Clock()
	if note := n.fetched[at]; note != nil { // every look at the key set comes here: nothing is built anew
		note.generation, note.at = n.newest.generation, n.newest.at
	} else if len(n.fetched) < maxNotes {
		n.fetched[at] = &fetch{at, n.newest.generation, n.newest.at}
	}
}

// Seen notes that a reader came by and proved who it is, from where the context says;
// of one that runs in browsers only that it came.
func (r *Ring) Seen(ctx context.Context, reader string, browsers bool) {
	at := from{reader: text(reader)}
	if !browsers {
		at = r.origin(ctx, reader)
	}
	n := &r.notebook
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.seen == nil {
		n.seen = map[from]time.Time{}
	}
	if _, known := n.seen[at]; known || len(n.seen) < maxNotes {
		n.seen[at] = r.Clock()
	}
}

func (r *Ring) origin(ctx context.Context, reader string) from {
	o := audit.OriginOf(ctx)
	return from{text(o.Place), text(o.Agent), text(reader)}
}

// text makes what a stranger said fit for both databases.
func text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s[:min(len(s), maxAgent)], ""), "\x00", "")
}

// tear takes the notes out.
func (n *notebook) tear() (fetched map[from]*fetch, seen map[from]time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fetched, seen = n.fetched, n.seen
	if newest := n.newest; fetched != nil {
		fetched[from{}] = &newest
	}
	n.fetched, n.seen = nil, nil
	if n.written == nil {
		n.written, n.kept = map[from]fetch{}, map[from]time.Time{}
	}
	return fetched, seen
}

// writeDown stores the notes of this process. Of fetches only those from places where
// readers prove themselves are kept: strangers leave no rows.
func (r *Ring) writeDown(ctx context.Context) error {
	fetched, seen := r.notebook.tear()
	n := &r.notebook // written and kept are used by this goroutine only
	for at, when := range seen {
		if when.Sub(n.kept[at]) < rememberAgain {
			continue
		}
		if err := r.keepSeen(ctx, at, when); err != nil {
			return err
		}
		n.kept[at] = when
	}
	var places []string
	for at, f := range fetched {
		if last, ok := n.written[at]; ok && last.generation >= f.generation && f.at.Sub(last.at) < rememberAgain {
			continue
		}
		if places == nil {
			var err error
			if places, err = r.places(ctx, activeSince(r.Clock())); err != nil {
				return err
			}
			places = append(places, "")
		}
		if !slices.Contains(places, at.place) {
			continue
		}
		if err := r.keepFetch(ctx, *f); err != nil {
			return err
		}
		n.written[at] = *f
	}
	return nil
}
