package keys

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"tegata/shared/secret"
)

// The key-encryption key is changed while programs run: its successor is put beside it
// on every machine, with ".next" at the end of its name. Running programs find it there
// within seconds and can open with both. Rewrap waits for that, tells all of them to
// seal with the new one, and seals every row anew. Then the new file takes the place of
// the old one. A row names its key, so a change that broke off is simply run again.
//
// Where the key comes from the environment, programs are started with both (NextKEK),
// and after Rewrap with the new one alone.

// NextKeyFile is where the successor of the key-encryption key is looked for.
func (r *Ring) NextKeyFile() string {
	if r.KeyFile == "" {
		return ""
	}
	return r.KeyFile + ".next"
}

// findKeyFiles takes up a successor that was put beside the key. A bad file is told
// once: it must not stop a program that runs well.
func (r *Ring) findKeyFiles() error {
	path := r.NextKeyFile()
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		r.node.nextFile = time.Time{}
		return nil
	}
	if err == nil && info.ModTime().Equal(r.node.nextFile) {
		return nil
	}
	var key []byte
	if err == nil {
		r.node.nextFile = info.ModTime()
		key, err = secret.ReadKeyFile(path)
	}
	if err == nil {
		_, err = r.Seal.Learn(key)
	}
	if err != nil && r.Log != nil {
		r.Log.Warn("the next key-encryption key cannot be read", "cause", err)
	}
	return nil
}

// adopt seals with the key-encryption key that the ring has chosen.
func (r *Ring) adopt(kek string) error {
	if kek == "" || kek == r.Seal.ID() {
		return nil
	}
	if err := r.Seal.Use(kek); err != nil {
		return fmt.Errorf("the database is sealed by key-encryption key %s; make it the key_encryption_key, or key_encryption_key_next, or put it beside the file with .next: %w", kek, err)
	}
	return nil
}

// Unlock brings Seal in step with the database: programs call it before they seal.
func (r *Ring) Unlock(ctx context.Context) error {
	if err := r.findKeyFiles(); err != nil {
		return err
	}
	m, err := r.mark(ctx)
	if err != nil {
		return err
	}
	return r.adopt(m.kek)
}

// Rewrapping says to which key-encryption key.
type Rewrapping struct {
	To   string                          // its name; Seal holds it
	Wait time.Duration                   // for running programs; 0 means a minute
	Tell func(column string, done int64) // progress; may be nil
	Late func(text string)               // hears what is waited for, whenever that changes; may be nil
	Dry  bool
}

// Rewrapped is what came of it.
type Rewrapped struct {
	From    string            `json:"from"`
	To      string            `json:"to"`
	Columns []RewrappedColumn `json:"columns"`
}

// RewrappedColumn is one kind of sealed rows.
type RewrappedColumn struct {
	Name   string   `json:"name"`
	Table  string   `json:"table"`
	Done   int64    `json:"rewrapped"`
	Left   int64    `json:"left"`
	Broken []string `json:"unreadable"` // rows that no key at hand opens
}

// Left counts the rows that are not sealed by the new key.
func (w Rewrapped) Left() (n int64) {
	for _, c := range w.Columns {
		n += c.Left
	}
	return n
}

// Rewrap seals every row with another key-encryption key. It refuses while a running
// program cannot open with it. It may be stopped at any moment and run again.
func (r *Ring) Rewrap(ctx context.Context, q Rewrapping) (w Rewrapped, err error) {
	if err := r.Current(ctx); err != nil {
		return w, err
	}
	if !slices.Contains(r.Seal.Holds(), q.To) {
		return w, fmt.Errorf("key-encryption key %s is not at hand", q.To)
	}
	w = Rewrapped{From: r.Seal.ID(), To: q.To}
	if !q.Dry {
		holds := func(n Node) bool { return slices.Contains(n.Holds, q.To) }
		if err := r.await(ctx, q, "do not hold the new key-encryption key; put it beside the old one there, or start them with key_encryption_key_next", holds); err != nil {
			return w, err
		}
		if err := r.switchKEK(ctx, q.To); err != nil {
			return w, err
		}
		seals := func(n Node) bool { return len(n.Holds) > 0 && n.Holds[0] == q.To }
		if err := r.await(ctx, q, "do not seal with the new key yet", seals); err != nil {
			return w, err
		}
	}
	for _, c := range append([]secret.Column{sealedColumn}, r.Columns...) {
		one := RewrappedColumn{Name: c.Name, Table: c.Table, Broken: []string{}}
		if !q.Dry {
			if err := r.rewrapColumn(ctx, c, q, &one); err != nil {
				return w, fmt.Errorf("%s: %w", c.Name, err)
			}
		}
		if one.Left, err = r.countSealed(ctx, c, q.To); err != nil {
			return w, fmt.Errorf("%s: %w", c.Name, err)
		}
		w.Columns = append(w.Columns, one)
	}
	if q.Dry {
		return w, nil
	}
	return w, r.record(ctx, "kek.rewrapped", "kek", q.To, "left", fmt.Sprint(w.Left()))
}

// await waits until every running program is as it should be, and tells for whom.
func (r *Ring) await(ctx context.Context, q Rewrapping, otherwise string, fits func(Node) bool) error {
	patience := cmp.Or(q.Wait, time.Minute)
	told := ""
	for end := time.Now().Add(patience); ; {
		nodes, err := r.Nodes(ctx)
		if err != nil {
			return err
		}
		var late []string
		for _, n := range nodes {
			if !fits(n) {
				late = append(late, n.Host)
			}
		}
		if len(late) == 0 {
			return nil
		}
		text := fmt.Sprintf("running programs %s: %s", otherwise, strings.Join(late, ", "))
		if time.Now().After(end) {
			return errors.New(text)
		}
		if q.Late != nil && told != text {
			told = text
			q.Late(fmt.Sprintf("waiting, for %s at most: %s", patience, text))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// switchKEK makes every program seal with the key from now on.
func (r *Ring) switchKEK(ctx context.Context, to string) error {
	m, err := r.mark(ctx)
	if err != nil || m.kek == to {
		return err
	}
	from := r.Seal.ID()
	err = r.change(ctx, func(ctx context.Context, _ int64, _ time.Time) error {
		if err := r.useKEK(ctx, to); err != nil {
			return err
		}
		return r.record(ctx, "kek.changed", "from", from, "to", to)
	})
	if err != nil {
		return err
	}
	r.step("switched")
	return nil
}

// batch is how many rows are sealed anew in one transaction.
const batch = 200

func (r *Ring) rewrapColumn(ctx context.Context, c secret.Column, q Rewrapping, one *RewrappedColumn) error {
	after, again := "", true
	for {
		rows, err := r.sealedRows(ctx, c, q.To, after, again, batch)
		if err != nil || len(rows) == 0 {
			return err
		}
		done, err := r.rewrapRows(ctx, c, rows, one)
		if err != nil {
			return err
		}
		r.step("batch")
		one.Done += done
		if q.Tell != nil {
			q.Tell(c.Name, one.Done)
		}
		// A row may have several values: begin with the last row again while that helps.
		again, after = done > 0, rows[len(rows)-1].id
	}
}

// sealedRow is one sealed value and the row that it is bound to.
type sealedRow struct {
	id  string
	box []byte
}

func (r *Ring) rewrapRows(ctx context.Context, c secret.Column, rows []sealedRow, one *RewrappedColumn) (done int64, err error) {
	fresh := make([][]byte, len(rows))
	for i, row := range rows {
		plain, err := r.Seal.Open(c.Purpose, row.id, row.box)
		if err != nil {
			if !slices.Contains(one.Broken, row.id) {
				one.Broken = append(one.Broken, row.id)
			}
			continue
		}
		fresh[i], err = r.Seal.Seal(c.Purpose, row.id, plain)
		clear(plain)
		if err != nil {
			return 0, err
		}
	}
	err = r.DB.Tx(ctx, func(ctx context.Context) error {
		done = 0
		for i, row := range rows {
			if fresh[i] == nil {
				continue
			}
			n, err := r.replaceSealed(ctx, c, row, fresh[i])
			if err != nil {
				return err
			}
			done += n
		}
		return nil
	})
	return done, err
}
