package sealing_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/idp/oidc/sealing"
	"tegata/idp/schema"
	"tegata/keys"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/fault"
	"tegata/shared/secret"
)

// began is when the tests begin.
var began = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// world is some nodes on one database.
type world struct {
	*testing.T
	db    *db.DB
	seal  *secret.Sealer
	clock *clock.Held
}

func on(t *testing.T, d *db.DB) world {
	seal, err := secret.NewSealer(secret.Bytes(32))
	if err != nil {
		t.Fatal(err)
	}
	return world{t, d, seal, clock.Hold(began)}
}

func (w world) node() *sealing.Keys { return &sealing.Keys{DB: w.db, Seal: w.seal, Clock: w.clock.Now} }

func (w world) make(k *sealing.Keys, plain string) (id, text string) {
	w.Helper()
	id = secret.NewID()
	text, err := k.Make(w.Context(), "letter", id, []byte(plain))
	if err != nil {
		w.Fatal(err)
	}
	return id, text
}

// opens checks that the text opens to what was sealed.
func (w world) opens(k *sealing.Keys, id, text, want string) {
	w.Helper()
	if got, plain, err := k.Open(w.Context(), "letter", text); err != nil || got != id || string(plain) != want {
		w.Errorf("got %s, %q, %v, want %s, %q", got, plain, err, id, want)
	}
}

// shut checks that the text is nothing.
func (w world) shut(k *sealing.Keys, purpose, text string) {
	w.Helper()
	if id, plain, err := k.Open(w.Context(), purpose, text); !fault.Is(err, fault.NotFound) || id != "" || plain != nil {
		w.Errorf("%s opens to %s, %q, %v", text, id, plain, err)
	}
}

func (w world) keys() (n int) {
	w.Helper()
	if err := w.db.Row(w.Context(), `select count(*) from token_keys`, nil, &n); err != nil {
		w.Fatal(err)
	}
	return n
}

func TestEveryNodeOpensWhatOneSealed(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := on(t, d)
		one, other := w.node(), w.node()
		id, text := w.make(one, "hello")
		w.opens(one, id, text, "hello")
		w.opens(other, id, text, "hello")
		if _, again := w.make(other, "hello"); again[37:] == text[37:] || w.keys() != 1 {
			t.Errorf("%d keys; two tokens are %s and %s", w.keys(), text, again)
		}
		if strings.Contains(text, "hello") || !strings.HasPrefix(text, id+".") {
			t.Errorf("got %s", text)
		}
	})
}

// a token that was changed anywhere is nothing, and one of one kind is none of another.
func TestATokenOpensLetterByLetterForItsPurpose(t *testing.T) {
	w := on(t, dbtest.SQLite(t, schema.FS))
	k := w.node()
	id, text := w.make(k, "hello")
	w.shut(k, "other", text)
	w.shut(k, "letter", secret.NewID()+text[36:])
	w.shut(k, "letter", strings.ToUpper(id)+text[36:])
	for _, changed := range []string{"", ".", id, id + ".", text + "A", text[:len(text)-1], text + "=", text + "\n", text[:60] + "\n" + text[60:], text + "." + text, strings.Repeat("A", 1<<20)} {
		w.shut(k, "letter", changed)
	}
	for i := range text {
		for _, c := range []byte{'A', 'B', 'g', '-'} {
			if changed := text[:i] + string(c) + text[i+1:]; changed != text {
				w.shut(k, "letter", changed)
			}
		}
	}
}

func TestAKeySealsForADayAndOpensForThree(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := on(t, d)
		k := w.node()
		id, old := w.make(k, "first day")
		w.clock.Move(24*time.Hour - time.Second)
		w.make(k, "still")
		if n := w.keys(); n != 1 {
			t.Errorf("%d keys within a day", n)
		}
		w.clock.Move(time.Second)
		w.make(k, "second day")
		w.make(w.node(), "elsewhere")
		if n := w.keys(); n != 2 {
			t.Errorf("%d keys after a day, want 2", n)
		}
		w.clock.Move(48 * time.Hour)
		w.opens(k, id, old, "first day")
		if n, err := k.Sweep(t.Context()); err != nil || n != 0 {
			t.Errorf("swept %d, %v while the key can be needed", n, err)
		}
		w.clock.Move(time.Second)
		if n, err := k.Sweep(t.Context()); err != nil || n != 1 {
			t.Errorf("swept %d, %v, want 1", n, err)
		}
		w.shut(k, "letter", old)
	})
}

func TestDropEndsEverythingThatWasSealed(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := on(t, d)
		k, other := w.node(), w.node()
		id, text := w.make(k, "hello")
		w.opens(other, id, text, "hello")
		if err := k.Drop(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.shut(k, "letter", text)
		w.clock.Move(10 * time.Second)
		w.shut(other, "letter", text)
		id, text = w.make(other, "again")
		w.opens(k, id, text, "again")
	})
}

// A clock that was an hour ahead must not make a node trust its memory for that hour.
func TestDropCountsOnANodeWhoseClockWasSetBack(t *testing.T) {
	w := on(t, dbtest.SQLite(t, schema.FS))
	k, other := w.node(), w.node()
	w.clock.Move(time.Hour)
	id, text := w.make(k, "hello")
	w.opens(other, id, text, "hello")
	w.clock.Move(-time.Hour)
	if err := k.Drop(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.clock.Move(10 * time.Second)
	w.shut(other, "letter", text)
}

func TestManyBeginAtOnce(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := on(t, d)
		nodes := []*sealing.Keys{w.node(), w.node()}
		ids, texts, errs := make([]string, 32), make([]string, 32), make([]error, 32)
		var all sync.WaitGroup
		for i := range ids {
			ids[i] = secret.NewID()
			all.Go(func() {
				texts[i], errs[i] = nodes[i%2].Make(context.WithoutCancel(t.Context()), "letter", ids[i], []byte("x"))
			})
		}
		all.Wait()
		for i := range ids {
			if errs[i] != nil {
				t.Fatal(errs[i])
			}
			w.opens(nodes[(i+1)%2], ids[i], texts[i], "x")
		}
	})
}

// A key that a transaction wrote may be undone with it, and with it all that it sealed.
func TestNoKeyIsMadeInATransaction(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := on(t, d)
		k := w.node()
		within := func() (text string, err error) {
			undone := errors.New("undone")
			if got := d.Tx(t.Context(), func(ctx context.Context) error {
				text, err = k.Make(ctx, "letter", "018f0000-0000-7000-8000-000000000000", []byte("x"))
				return undone
			}); !errors.Is(got, undone) {
				t.Fatal(got)
			}
			return text, err
		}
		if text, err := within(); err == nil {
			t.Errorf("got %s, without a key", text)
		}
		if err := k.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.clock.Move(25 * time.Hour) // as if that passed between Ready and Make
		text, err := within()
		if err != nil {
			t.Fatal(err)
		}
		w.opens(k, "018f0000-0000-7000-8000-000000000000", text, "x")
	})
}

// The key-encryption key alone opens nothing, nor does the database alone.
func TestBothHalvesAreNeeded(t *testing.T) {
	d, other := dbtest.SQLite(t, schema.FS), dbtest.SQLite(t, schema.FS)
	w := on(t, d)
	_, text := w.make(w.node(), "hello")
	elsewhere := world{t, other, w.seal, w.clock}
	elsewhere.make(elsewhere.node(), "their own")
	elsewhere.shut(elsewhere.node(), "letter", text)
	w.seal, _ = secret.NewSealer(secret.Bytes(32))
	if id, plain, err := w.node().Open(t.Context(), "letter", text); err == nil {
		t.Errorf("with another key-encryption key: %s, %q", id, plain)
	}
}

func BenchmarkMakeAndOpen(b *testing.B) {
	d := dbtest.SQLite(b, schema.FS)
	seal, _ := secret.NewSealer(secret.Bytes(32))
	k := &sealing.Keys{DB: d, Seal: seal, Clock: time.Now}
	id, plain := secret.NewID(), make([]byte, 400)
	b.ReportAllocs()
	for b.Loop() {
		text, err := k.Make(b.Context(), "letter", id, plain)
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := k.Open(b.Context(), "letter", text); err != nil {
			b.Fatal(err)
		}
	}
}

// Tokens outlive a change of the key-encryption key, since their keys are sealed anew.
func TestRewrappingKeepsTokens(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := on(t, d)
		id, text := w.make(w.node(), "hello")
		fresh := secret.Bytes(32)
		name, err := w.seal.Learn(fresh)
		if err != nil {
			t.Fatal(err)
		}
		ring := &keys.Ring{DB: d, Seal: w.seal, Clock: w.clock.Now, Log: slog.New(slog.DiscardHandler), Columns: []secret.Column{sealing.SealedColumn}}
		done, err := ring.Rewrap(t.Context(), keys.Rewrapping{To: name})
		if err != nil || done.Left() != 0 {
			t.Fatal(done, err)
		}
		w.seal, _ = secret.NewSealer(fresh)
		w.opens(w.node(), id, text, "hello")
	})
}
