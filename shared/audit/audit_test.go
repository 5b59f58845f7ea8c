package audit_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/shared/audit"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

func each(t *testing.T, test func(t *testing.T, l audit.Log)) {
	t.Helper()
	dbtest.Each(t, dbtest.Mechanisms(t), func(t *testing.T, d *db.DB) {
		held := clock.Hold(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
		test(t, audit.Log{DB: d, Clock: held.Now})
	})
}

func record(t *testing.T, l audit.Log, actions ...string) {
	t.Helper()
	for _, action := range actions {
		if err := l.Record(t.Context(), audit.Event{Action: action, Actor: "ada", Details: map[string]string{"b": "2", "a": "<1>"}}); err != nil {
			t.Fatal(err)
		}
	}
}

func seal(t *testing.T, l audit.Log, want int) {
	t.Helper()
	if n, err := l.Seal(t.Context()); err != nil || n != want {
		t.Errorf("seal: got %d, %v, want %d", n, err, want)
	}
}

func verify(t *testing.T, l audit.Log) audit.Report {
	t.Helper()
	r, err := l.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func change(t *testing.T, l audit.Log, text string, args ...any) {
	t.Helper()
	if n, err := l.DB.Exec(t.Context(), text, args...); err != nil || n == 0 {
		t.Fatalf("%s: %d, %v", text, n, err)
	}
}

func TestAnEventComesBackWithItsOrigin(t *testing.T) {
	each(t, func(t *testing.T, l audit.Log) {
		want := audit.Event{
			Action: "account.activated", Actor: "ada", Subject: "ada", Client: "tracker",
			Details: map[string]string{"by": "link", "quote": `"'手形`},
			Origin:  audit.Origin{RequestID: "r1", Place: "192.0.2.1", Agent: "Mozilla"},
		}
		if err := l.Record(audit.WithOrigin(t.Context(), want.Origin), want); err != nil {
			t.Fatal(err)
		}
		all, err := l.Tail(t.Context(), 10, "")
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		got := all[0]
		if got.ID == "" || !got.At.Equal(l.Clock()) {
			t.Errorf("id %q, at %v", got.ID, got.At)
		}
		if got.Action != want.Action || got.Actor != want.Actor || got.Subject != want.Subject || got.Client != want.Client ||
			got.Origin != want.Origin || !maps.Equal(got.Details, want.Details) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

func TestStrangeTextsDoNotMakeALoginFail(t *testing.T) {
	each(t, func(t *testing.T, l audit.Log) {
		ctx := audit.WithOrigin(t.Context(), audit.Origin{Agent: "a\x00b\xff" + strings.Repeat("手", 1000)})
		if err := l.Record(ctx, audit.Event{Action: "login.failed", Details: map[string]string{"client\xff": "\x00"}}); err != nil {
			t.Fatal(err)
		}
		all, err := l.Tail(t.Context(), 1, "")
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		if agent := all[0].Agent; !strings.HasPrefix(agent, "a\uFFFDb\uFFFD手") || len(agent) > 512 {
			t.Errorf("agent %q", agent)
		}
		seal(t, l, 1)
		if r := verify(t, l); !r.OK() {
			t.Error(r.Problems)
		}
	})
}

func TestAnEventStandsOrFallsWithItsTransaction(t *testing.T) {
	each(t, func(t *testing.T, l audit.Log) {
		failed := errors.New("failed")
		err := l.DB.Tx(t.Context(), func(ctx context.Context) error {
			return errors.Join(l.Record(ctx, audit.Event{Action: "never"}), failed)
		})
		if !errors.Is(err, failed) {
			t.Fatal(err)
		}
		if all, err := l.Tail(t.Context(), 10, ""); err != nil || len(all) != 0 {
			t.Errorf("got %v, %v", all, err)
		}
	})
}

func TestTailGivesTheNewestOrWhatFollows(t *testing.T) {
	each(t, func(t *testing.T, l audit.Log) {
		record(t, l, "1", "2", "3", "4", "5")
		actions := func(n int, after string) (s string, last string) {
			t.Helper()
			all, err := l.Tail(t.Context(), n, after)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range all {
				s, last = s+e.Action, e.ID
			}
			return s, last
		}
		got, _ := actions(2, "")
		if got != "45" {
			t.Errorf("the newest two: got %s", got)
		}
		all, _ := l.Tail(t.Context(), 9, "")
		if got, _ := actions(2, all[1].ID); got != "34" {
			t.Errorf("two after the second: got %s", got)
		}
		if got, _ := actions(2, all[4].ID); got != "" {
			t.Errorf("after the last: got %s", got)
		}
	})
}

func TestTheChainIsWholeAndTellsWhatIsNotSealed(t *testing.T) {
	each(t, func(t *testing.T, l audit.Log) {
		if r := verify(t, l); !r.OK() || r.Sealed != 0 {
			t.Errorf("empty: %+v", r)
		}
		record(t, l, "1", "2")
		seal(t, l, 2)
		head := verify(t, l).Head
		seal(t, l, 0)
		record(t, l, "3", "4", "5")
		r := verify(t, l)
		if !r.OK() || r.Sealed != 2 || r.Unsealed != 3 || r.Head != head || len(head) != 64 {
			t.Errorf("got %+v", r)
		}
		seal(t, l, 3)
		if r := verify(t, l); !r.OK() || r.Sealed != 5 || r.Unsealed != 0 || r.Head == head {
			t.Errorf("got %+v", r)
		}
	})
}

func TestManyEventsAreSealedInSeveralTransactions(t *testing.T) {
	each(t, func(t *testing.T, l audit.Log) {
		err := l.DB.Tx(t.Context(), func(ctx context.Context) error {
			for range 1250 {
				if err := l.Record(ctx, audit.Event{Action: "many"}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		seal(t, l, 1250)
		if r := verify(t, l); !r.OK() || r.Sealed != 1250 {
			t.Errorf("got %d sealed, %v", r.Sealed, r.Problems)
		}
	})
}

// Each row: what somebody does to the database behind our back, and what Verify says.
func TestVerifyFindsWhatWasDone(t *testing.T) {
	const third = `(select event_id from audit_chain where seq = 3)`
	for _, c := range []struct {
		name string
		do   []string
		want string // is in the first problem
	}{
		{"an event changed", []string{`update audit_events set actor = 'bob' where id = ` + third}, "place 3, event"},
		{"its time changed", []string{`update audit_events set at = at + 1 where id = ` + third}, "place 3, event"},
		{"its details changed", []string{`update audit_events set details = '{"a":"<1>","b":"3"}' where id = ` + third}, "place 3, event"},
		{"its details broken", []string{`update audit_events set details = 'x' where id = ` + third}, "place 3, event"},
		{"a field moved to another", []string{`update audit_events set subject = actor, actor = subject where id = ` + third}, "place 3, event"},
		{"an event removed", []string{`delete from audit_events where id = ` + third}, "the event is missing"},
		{"an event removed with its place", []string{
			`delete from audit_events where id = ` + third, `delete from audit_chain where seq = 3`}, "the places after 2 are missing"},
		{"the first removed", []string{`delete from audit_chain where seq = 1`}, "the places after 0 are missing"},
		{"a hash changed", []string{`update audit_chain set hash = (select hash from audit_chain where seq = 2) where seq = 3`}, "place 3, event"},
		{"two places swapped", []string{
			`update audit_chain set seq = 100 where seq = 3`,
			`update audit_chain set seq = 3 where seq = 4`,
			`update audit_chain set seq = 4 where seq = 100`}, "place 3, event"},
		{"the last place cut off", []string{`delete from audit_chain where seq = 5`}, "place 0, event"},
		{"an event slipped in", []string{`
			insert into audit_events (id, at, action, actor, subject, client, details, request_id, place, agent, sealed)
			values ('00000000-0000-7000-8000-000000000000', 1, 'x', '', '', '', '{}', '', '', '', true)`}, "place 0, event 00000000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, l audit.Log) {
				record(t, l, "1", "2", "3", "4", "5")
				seal(t, l, 5)
				if r := verify(t, l); !r.OK() {
					t.Fatal(r.Problems)
				}
				for _, text := range c.do {
					change(t, l, text)
				}
				r := verify(t, l)
				if r.OK() || !strings.Contains(r.Problems[0].String(), c.want) {
					t.Errorf("got %v, want a problem at %q", r.Problems, c.want)
				}
				if len(r.Problems) > 3 {
					t.Errorf("one deed is told as %d problems: %v", len(r.Problems), r.Problems)
				}
			})
		})
	}
}

// Two nodes that seal while others record give one chain, and nobody waits for them.
func TestTwoSealersGiveOneChain(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, rawURL string) {
		one := audit.Log{DB: dbtest.Open(t, rawURL, dbtest.Mechanisms(t)), Clock: clock.System}
		two := one
		if !one.DB.SQLite() { // another node; SQLite has one process
			two.DB = dbtest.Open(t, rawURL, nil)
		}
		const people, each = 8, 40
		var recording, sealing sync.WaitGroup
		for i := range people {
			recording.Go(func() {
				for k := range each {
					if err := one.Record(t.Context(), audit.Event{Action: fmt.Sprint(i, "-", k)}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		sealed := make([]int, 4)
		stop := make(chan bool)
		for i, l := range []audit.Log{one, two, one, two} {
			sealing.Go(func() {
				for {
					n, err := l.Seal(t.Context())
					if err != nil {
						t.Error(err)
						return
					}
					sealed[i] += n
					select {
					case <-stop:
						return
					default:
					}
				}
			})
		}
		recording.Wait()
		close(stop)
		sealing.Wait()
		n, err := one.Seal(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range sealed {
			n += k
		}
		r := verify(t, one)
		if !r.OK() || n != people*each || r.Sealed != people*each || r.Unsealed != 0 {
			t.Errorf("sealers count %d, the chain %d, unsealed %d, want %d and 0; problems %v", n, r.Sealed, r.Unsealed, people*each, r.Problems)
		}
	})
}

func TestAnExportCanBeCheckedWithoutUs(t *testing.T) {
	each(t, func(t *testing.T, l audit.Log) {
		record(t, l, "1", "2", "3")
		seal(t, l, 3)
		record(t, l, "not sealed")
		var out bytes.Buffer
		if err := l.Export(t.Context(), &out); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if len(lines) != 3 {
			t.Fatalf("got %d lines, want 3", len(lines))
		}
		before := make([]byte, 32)
		for i, text := range lines {
			var line struct {
				Seq   int
				Hash  string
				Event json.RawMessage
			}
			if err := json.Unmarshal([]byte(text), &line); err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(append(before, line.Event...))
			if line.Seq != i+1 || line.Hash != hex.EncodeToString(sum[:]) {
				t.Errorf("line %d does not fit: %s", i+1, text)
			}
			before = sum[:]
		}
		if got := verify(t, l).Head; got != hex.EncodeToString(before) {
			t.Errorf("head %s, the export ends with %x", got, before)
		}
	})
}

func BenchmarkRecord(b *testing.B) {
	for _, kind := range []string{dbtest.KindSQLite, dbtest.KindPostgres} {
		b.Run(kind, func(b *testing.B) {
			l := audit.Log{DB: dbtest.Open(b, dbtest.URL(b, kind), dbtest.Mechanisms(b)), Clock: clock.System}
			for b.Loop() {
				if err := l.Record(b.Context(), audit.Event{Action: "login.ok"}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
