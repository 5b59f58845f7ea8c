package keys

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

const (
	// ActiveFor is how long at least a reader counts as active after it came: it proved
	// itself, was granted something, or let somebody in. A promotion waits for it so long,
	// and longer would be waiting for programs that were given up. Whoever answers Readers
	// counts by it too, and keeps notes that are written now and then for longer by that.
	ActiveFor = 30 * 24 * time.Hour
	// placeFor is how long a place of an active reader is asked for: machines come and
	// go, and one that is gone would never fetch again.
	placeFor = 24 * time.Hour
)

// Reader is somebody who verifies what the ring signs.
type Reader struct {
	ID, Name string
	Takes    []string // what of it is signed with the algorithm, for people: "ID tokens"
	Browsers bool     // runs on people's machines, where nothing lives longer than the caches do
	Active   bool     // it got tokens lately, as the program knows from elsewhere
	Anyone   bool     // it does not come to us under its name: any fetch of the key set is taken for its
}

// Evidence is what speaks for and against letting a next key sign. A key set that was
// fetched is known to be a reader's when it was fetched from a place and by an agent that
// this reader alone has lately proved itself from, or from one of its places with its
// id in the query (client_id=…). What cannot be told apart does not count.
type Evidence struct {
	Key       Key
	NotBefore *time.Time // the earliest moment; nil: it is not published yet
	Waits     bool       // that moment has not come
	Running   bool       // some program runs
	Behind    []string   // running programs that do not serve the key yet
	Readers   []Reading  // active ones, by id
}

// Reading is what is known of one reader.
type Reading struct {
	ID    string     `json:"client"`
	Name  string     `json:"name,omitempty"`
	Takes []string   `json:"takes,omitempty"` // what of it is signed with the algorithm
	Read  bool       `json:"read"`            // it has the key, or need not have it
	At    *time.Time `json:"at,omitempty"`
	Why   string     `json:"why"`

	places []string // of Why, when it is about several places
	anyone bool     // Reader.Anyone
}

// Enough tells whether the key may sign.
func (e Evidence) Enough() bool { return !e.Waits && len(e.Behind) == 0 && len(e.Missing()) == 0 }

// Missing gives the readers that are not known to have the key.
func (e Evidence) Missing() (all []Reading) {
	for _, r := range e.Readers {
		if !r.Read {
			all = append(all, r)
		}
	}
	return all
}

// Vouchable tells whether the key may sign as soon as somebody vouches for readers: for
// nothing else it has to wait, and each one that is missing comes under a name of its own.
func (e Evidence) Vouchable() bool {
	missing := e.Missing()
	return !e.Waits && len(e.Behind) == 0 && len(missing) > 0 &&
		!slices.ContainsFunc(missing, func(one Reading) bool { return one.anyone })
}

// Why tells in one line what is missing, "" when nothing is.
func (e Evidence) Why() string { return strings.Join(e.reasons(math.MaxInt), "; ") }

// Brief is Why in at most that many bytes: whole reasons, and how many more there are.
func (e Evidence) Brief(most int) string { return brief(e.reasons(most/2), "; ", most) }

// reasons gives what is missing, one by one; each in at most that many bytes, when it is
// about several places.
func (e Evidence) reasons(most int) (why []string) {
	switch {
	case e.NotBefore == nil && e.Waits:
		why = append(why, "no running program has published it yet")
	case e.Waits:
		why = append(why, "caches may hold the key set without it until "+e.NotBefore.UTC().Format("2006-01-02 15:04:05Z"))
	}
	if len(e.Behind) > 0 {
		why = append(why, "not served yet by "+strings.Join(e.Behind, ", "))
	}
	for _, m := range e.Missing() {
		text := m.Why
		if len(m.places) > 1 {
			text = brief(m.places, ", ", most)
		}
		why = append(why, m.ID+": "+text)
	}
	return why
}

// brief joins what fits into that many bytes, and says how much it left out. Nothing is
// cut in the middle; the first part is there in any case.
func brief(parts []string, between string, most int) string {
	text := strings.Join(parts, between)
	for n := len(parts) - 1; n > 0 && len(text) > most; n-- {
		text = fmt.Sprintf("%s%sand %d more", strings.Join(parts[:n], between), between, len(parts)-n)
	}
	return text
}

// Evidence looks at what is known about a next key. Readers that are vouched for count
// as ready.
func (r *Ring) Evidence(ctx context.Context, k Key, vouched []string) (e Evidence, err error) {
	now := r.Clock()
	if k.Alg == Push {
		return Evidence{Key: k}, nil // it has no readers: browsers subscribe anew
	}
	e = Evidence{Key: k, Waits: true}
	if k.PublishedAt != nil {
		at := k.PublishedAt.Add(r.maxAge() + Handover)
		e.NotBefore, e.Waits = &at, now.Before(at)
	}
	nodes, err := r.Nodes(ctx)
	if err != nil {
		return e, err
	}
	e.Running = len(nodes) > 0
	for _, n := range nodes {
		if n.Generation < k.Generation {
			e.Behind = append(e.Behind, n.Host)
		}
	}
	e.Readers, err = r.readings(ctx, k, vouched, now)
	return e, err
}

func (r *Ring) readings(ctx context.Context, k Key, vouched []string, now time.Time) ([]Reading, error) {
	if r.Readers == nil {
		return nil, nil
	}
	readers, err := r.Readers(ctx, k.Alg)
	if err != nil {
		return nil, err
	}
	seen, err := r.seenReaders(ctx, activeSince(now))
	if err != nil {
		return nil, err
	}
	fetched, err := r.fetches(ctx)
	if err != nil {
		return nil, err
	}
	all := []Reading{}
	for _, reader := range readers {
		var reading Reading
		switch own := placesOf(seen, reader.ID); {
		case reader.Anyone:
			reading = anyone(fetched, k)
		case len(own) == 0 && !reader.Active:
			continue
		case reader.Browsers:
			reading = Reading{Read: true, Why: "runs in browsers; what they keep is as old as the caches allow"}
		case len(own) == 0:
			reading = Reading{Why: "is active, but from where it comes was not noted yet"}
		default:
			reading = read(reader.ID, own, seen, fetched, k, now)
		}
		reading.ID, reading.Name, reading.Takes, reading.anyone = reader.ID, reader.Name, reader.Takes, reader.Anyone
		if !reading.Read && slices.Contains(vouched, reader.ID) {
			reading.Read, reading.Why = true, "vouched for; "+reading.Why
		}
		all = append(all, reading)
	}
	slices.SortFunc(all, func(a, b Reading) int { return cmp.Compare(a.ID, b.ID) })
	return all, nil
}

// readersOf gives the readers of the algorithm, and which of them are active: proved
// themselves or got something lately. One that does not come to us under its name is not.
func (r *Ring) readersOf(ctx context.Context, alg string) (all []Reader, active func(Reader) bool, err error) {
	if r.Readers == nil {
		return nil, nil, nil
	}
	if all, err = r.Readers(ctx, alg); err != nil {
		return nil, nil, err
	}
	seen, err := r.seenReaders(ctx, activeSince(r.Clock()))
	return all, func(one Reader) bool {
		return !one.Anyone && (one.Active || len(placesOf(seen, one.ID)) > 0)
	}, err
}

// activeSince gives the oldest note that makes a reader active now: the reader may have
// come again for as long as that was not written down.
func activeSince(now time.Time) time.Time { return now.Add(-ActiveFor - rememberAgain) }

// sighting is a place that a reader has proved itself from.
type sighting struct {
	reader, place, agent string
	at                   time.Time
}

func placesOf(all []sighting, reader string) (own []sighting) {
	for _, s := range all {
		if s.reader == reader {
			own = append(own, s)
		}
	}
	return own
}

func anyone(fetched []fetch, k Key) Reading {
	for _, f := range fetched {
		if f.place == "" && f.generation >= k.Generation {
			return Reading{Read: true, At: &f.at, Why: "the key set was read"}
		}
	}
	return Reading{Why: "nobody has read the key set since the key was staged"}
}

// read tells whether each place that the reader was at in the last day has fetched the
// key, or any of them when it was at none.
func read(reader string, own, seen []sighting, fetched []fetch, k Key, now time.Time) Reading {
	var lately []sighting
	for _, s := range own {
		if s.at.After(now.Add(-placeFor)) {
			lately = append(lately, s)
		}
	}
	all := len(lately) > 0 // each of these, else any of all
	if !all {
		lately = own
	}
	var last *time.Time
	var missing []string
	for _, s := range lately {
		at, why := fetchedBy(s, seen, fetched, k)
		if at == nil {
			missing = append(missing, s.place+" "+why)
			continue
		}
		if last == nil || at.After(*last) {
			last = at
		}
	}
	if len(missing) == 0 || !all && last != nil {
		return Reading{Read: true, At: last, Why: "has read the key set"}
	}
	slices.Sort(missing)
	missing = slices.Compact(missing)
	return Reading{At: last, Why: strings.Join(missing, ", "), places: missing}
}

// fetchedBy tells when the reader fetched a set with the key from that place, or why
// that is not known.
func fetchedBy(s sighting, seen []sighting, fetched []fetch, k Key) (at *time.Time, why string) {
	shared := ""
	for _, other := range seen {
		if other.reader != s.reader && other.place == s.place && other.agent == s.agent {
			shared = other.reader
		}
	}
	why = "was never seen fetching the key set"
	for _, f := range fetched {
		if f.place != s.place || f.reader != s.reader && (f.reader != "" || f.agent != s.agent) {
			continue
		}
		switch {
		case f.reader == "" && shared != "":
			why = fmt.Sprintf("cannot be told from %s, which comes from there with the same agent", shared)
		case f.generation >= k.Generation:
			return &f.at, ""
		default:
			why = "last fetched the key set before the key was in it, " + f.at.UTC().Format("2006-01-02 15:04:05Z")
		}
	}
	return nil, why
}
