package outbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/fault"
	"tegata/shared/outbox"
	"tegata/shared/secret"
)

// post is an outbox whose sender hands messages to the test.
type post struct {
	*outbox.Outbox
	clock *clock.Held
	mu    sync.Mutex
	sent  []outbox.Message
	fail  func(m outbox.Message) error // what the sender says; nil: sent
}

func (p *post) send(ctx context.Context, m outbox.Message) error {
	p.mu.Lock()
	p.sent = append(p.sent, m)
	p.mu.Unlock()
	if p.fail != nil {
		return p.fail(m)
	}
	return nil
}

func newPost(t *testing.T, d *db.DB) *post {
	t.Helper()
	sealer, err := secret.NewSealer(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	p := &post{clock: clock.Hold(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))}
	p.Outbox = &outbox.Outbox{
		DB: d, Clock: p.clock.Now, Seal: sealer, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Senders: map[string]outbox.Sender{"mail": p.send},
	}
	return p
}

func each(t *testing.T, test func(t *testing.T, p *post)) {
	t.Helper()
	dbtest.Each(t, dbtest.Mechanisms(t), func(t *testing.T, d *db.DB) { test(t, newPost(t, d)) })
}

func (p *post) put(t *testing.T, kind, to string) string {
	t.Helper()
	id, err := p.Put(t.Context(), kind, to, map[string]string{"link": "https://id.example/activate?token=SECRET"})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (p *post) deliver(t *testing.T, want int) {
	t.Helper()
	if n, err := p.Deliver(t.Context()); err != nil || n != want {
		t.Errorf("deliver: got %d, %v, want %d", n, err, want)
	}
}

func (p *post) row(t *testing.T, id string) outbox.Row {
	t.Helper()
	r, err := p.Find(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAMessageIsSentOnce(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		id := p.put(t, "mail", "ada@example.org")
		if r := p.row(t, id); r.State != outbox.Queued || r.EndedAt != nil || r.To != "ada@example.org" {
			t.Errorf("before: %+v", r)
		}
		p.clock.Move(time.Second)
		p.deliver(t, 1)
		p.deliver(t, 0)
		var payload struct{ Link string }
		if len(p.sent) != 1 {
			t.Fatalf("sent %v", p.sent)
		}
		m := p.sent[0]
		if err := m.Read(&payload); err != nil || !strings.HasSuffix(payload.Link, "SECRET") {
			t.Errorf("payload: %+v, %v", payload, err)
		}
		if m.ID != id || m.Kind != "mail" || m.To != "ada@example.org" || m.Attempts != 1 {
			t.Errorf("message: %+v", m)
		}
		if r := p.row(t, id); r.State != outbox.Sent || r.EndedAt == nil || !r.EndedAt.Equal(p.clock.Now()) {
			t.Errorf("after: %+v", r)
		}
	})
}

func TestPutStandsOrFallsWithItsTransaction(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		failed := errors.New("failed")
		err := p.DB.Tx(t.Context(), func(ctx context.Context) error {
			_, err := p.Put(ctx, "mail", "a", 1)
			return errors.Join(err, failed)
		})
		if !errors.Is(err, failed) {
			t.Fatal(err)
		}
		p.deliver(t, 0)
	})
}

// links and codes that wait are unreadable in a copy of the database, and gone
// once they are sent.
func TestPayloadsAreSealedAndForgotten(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		p.put(t, "mail", "a")
		var payload []byte
		read := func() {
			t.Helper()
			if err := p.DB.Row(t.Context(), `select payload from outbox`, nil, &payload); err != nil {
				t.Fatal(err)
			}
		}
		read()
		if len(payload) < 20 || bytes.Contains(payload, []byte("SECRET")) {
			t.Errorf("payload at rest: %q", payload)
		}
		p.deliver(t, 1)
		read()
		if len(payload) != 0 {
			t.Errorf("payload after it was sent: %q", payload)
		}
	})
}

// F-24: pauses grow and are spread; after a day the message is parked, not before.
func TestAFailingMessageIsTriedForADay(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		p.fail = func(outbox.Message) error { return errors.New("451 try later\x00\xff") }
		id := p.put(t, "mail", "a")
		start := p.clock.Now()
		var pauses []time.Duration
		for p.row(t, id).State == outbox.Queued {
			before := p.clock.Now()
			p.deliver(t, 1)
			p.deliver(t, 0)
			r := p.row(t, id)
			if !strings.HasPrefix(r.Error, "451 try later") {
				t.Errorf("error: %q", r.Error)
			}
			if r.State == outbox.Queued {
				pauses = append(pauses, r.DueAt.Sub(before))
				p.clock.Set(r.DueAt.Add(-time.Microsecond))
				p.deliver(t, 0)
				p.clock.Set(r.DueAt)
			}
		}
		r := p.row(t, id)
		if r.State != outbox.Parked || r.EndedAt == nil {
			t.Errorf("in the end: %+v", r)
		}
		if lasted := p.clock.Now().Sub(start); lasted < 24*time.Hour || lasted > 25*time.Hour {
			t.Errorf("given up after %v", lasted)
		}
		if len(pauses) < 40 || len(pauses) > 100 || pauses[0] > 15*time.Second || pauses[0] < 5*time.Second {
			t.Errorf("%d pauses: %v", len(pauses), pauses)
		}
		equal := 0
		for i, pause := range pauses[10:] {
			if pause < 15*time.Minute || pause > 45*time.Minute {
				t.Errorf("pause %d: %v", i+10, pause)
			}
			if pause == pauses[10] {
				equal++
			}
		}
		if equal > len(pauses)/2 {
			t.Error("the pauses are not spread")
		}
		p.deliver(t, 0)
		p.fail = nil
		if err := p.Retry(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		p.deliver(t, 1)
		if r := p.row(t, id); r.State != outbox.Sent || r.Error != "" {
			t.Errorf("after Retry: %+v", r)
		}
		if err := p.Retry(t.Context(), id); !fault.Is(err, fault.NotFound) {
			t.Errorf("Retry of a sent one: %v", err)
		}
	})
}

func TestARefusedMessageIsParkedAtOnce(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		p.fail = func(outbox.Message) error {
			return fmt.Errorf("smtp: %w", outbox.Refused(errors.New("550 nobody here")))
		}
		refused, unknown := p.put(t, "mail", "a"), p.put(t, "pigeon", "b")
		p.deliver(t, 2)
		if r := p.row(t, refused); r.State != outbox.Parked || r.Error != "smtp: 550 nobody here" || r.Attempts != 1 {
			t.Errorf("%+v", r)
		}
		if r := p.row(t, unknown); r.State != outbox.Parked || !strings.Contains(r.Error, "pigeon") {
			t.Errorf("%+v", r)
		}
	})
}

// F-37: a poison row is parked after a few tries and hurts nobody else.
func TestAPanickingSenderParksItsRowAndNothingElse(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		p.fail = func(m outbox.Message) error {
			if m.To == "poison" {
				panic("what is this")
			}
			return nil
		}
		poison, other := p.put(t, "mail", "poison"), p.put(t, "mail", "other")
		p.deliver(t, 2)
		for range 4 {
			if r := p.row(t, poison); r.State != outbox.Queued {
				t.Fatalf("too early: %+v", r)
			}
			p.clock.Move(time.Hour)
			p.deliver(t, 1)
		}
		if r := p.row(t, poison); r.State != outbox.Parked || r.Attempts != 5 || !strings.Contains(r.Error, "panicked") {
			t.Errorf("poison: %+v", r)
		}
		if r := p.row(t, other); r.State != outbox.Sent {
			t.Errorf("other: %+v", r)
		}
	})
}

// A worker that was killed while sending leaves a lease; it runs out.
func TestAMessageOfADeadWorkerIsSentWhenItsLeaseRunsOut(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		id := p.put(t, "mail", "a")
		p.fail = func(outbox.Message) error { // at this moment another worker looks
			p.clock.Move(time.Minute)
			p.fail = nil
			p.deliver(t, 0)
			p.clock.Move(time.Minute)
			p.deliver(t, 1) // takes over
			if r := p.row(t, id); r.State != outbox.Sent || r.Attempts != 2 {
				t.Errorf("taken over: %+v", r)
			}
			return errors.New("too late")
		}
		p.deliver(t, 1)
		if r := p.row(t, id); r.State != outbox.Sent || r.Error != "" {
			t.Errorf("who lost the lease changed the row: %+v", r)
		}
	})
}

// A row that kills every process that sends it never fails, so its attempts end it.
func TestARowThatNeverEndsIsParked(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		id := p.put(t, "mail", "a")
		if _, err := p.DB.Exec(t.Context(), `update outbox set state = 'sending', lease = 'dead', attempts = 100`); err != nil {
			t.Fatal(err)
		}
		p.deliver(t, 1)
		if r := p.row(t, id); r.State != outbox.Parked || len(p.sent) != 0 {
			t.Errorf("%+v, sent %d times", r, len(p.sent))
		}
	})
}

// F-24: several workers, on two nodes, never send one row twice.
func TestSeveralWorkersSendEachMessageOnce(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, rawURL string) {
		one := newPost(t, dbtest.Open(t, rawURL, dbtest.Mechanisms(t)))
		two := newPost(t, one.DB)
		if !one.DB.SQLite() { // another node; SQLite has one process
			two = newPost(t, dbtest.Open(t, rawURL, nil))
		}
		const messages = 150
		for i := range messages {
			one.put(t, "mail", fmt.Sprint(i))
		}
		var all sync.WaitGroup
		for _, p := range []*post{one, two, one, two} {
			all.Go(func() {
				if _, err := p.Deliver(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		times := map[string]int{}
		for _, m := range append(one.sent, two.sent...) {
			times[m.To]++
		}
		for i := range messages {
			if n := times[fmt.Sprint(i)]; n != 1 {
				t.Errorf("message %d was sent %d times", i, n)
			}
		}
		if counts, err := one.Counts(t.Context()); err != nil || counts[outbox.Sent] != messages || counts[outbox.Queued] != 0 {
			t.Errorf("counts: %v, %v", counts, err)
		}
	})
}

func TestTheWorkerWakesUpAfterTheCommit(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		arrived := make(chan string, 10)
		p.fail = func(m outbox.Message) error { arrived <- m.To; return nil }
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			if err := p.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		slow := 0
		for i := range 20 {
			start := time.Now()
			err := p.DB.Tx(t.Context(), func(ctx context.Context) error {
				_, err := p.Put(ctx, "mail", fmt.Sprint(i), 1)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := <-arrived; got != fmt.Sprint(i) {
				t.Errorf("got message %s, want %d", got, i)
			}
			if time.Since(start) > 900*time.Millisecond {
				slow++
			}
		}
		if slow > 10 { // without being woken it finds each a second after the one before; one late answer of a busy machine is none
			t.Errorf("%d of 20 messages took as long as if nobody woke the worker", slow)
		}
		cancel()
		running.Wait()
	})
}

// F-23: what is under way when the worker stops is finished, the rest stays queued.
func TestStoppingDeliversOrKeeps(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		p.Workers = 2
		ctx, stop := context.WithCancel(t.Context())
		var under, finished atomic.Int64
		started, goOn := make(chan bool, 10), make(chan bool)
		p.Senders["mail"] = func(ctx context.Context, m outbox.Message) error {
			under.Add(1)
			started <- true
			<-goOn
			finished.Add(1)
			return ctx.Err()
		}
		for range 5 {
			p.put(t, "mail", "a")
		}
		var running sync.WaitGroup
		running.Go(func() { p.Run(ctx) })
		<-started
		<-started
		stop()
		close(goOn)
		running.Wait()
		counts, err := p.Counts(t.Context())
		if err != nil || counts[outbox.Sent] != int(finished.Load()) || counts[outbox.Sending] != 0 ||
			counts[outbox.Sent]+counts[outbox.Queued] != 5 {
			t.Errorf("counts %v, %v; %d begun, %d finished", counts, err, under.Load(), finished.Load())
		}
		if n := finished.Load(); n < 2 || n > 4 {
			t.Errorf("%d were sent, want the two under way, and few more", n)
		}
	})
}

func TestListAndSweep(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		p.put(t, "mail", "1")
		p.deliver(t, 1)
		p.clock.Move(time.Hour)
		p.put(t, "pigeon", "2")
		p.deliver(t, 1)
		p.put(t, "mail", "3")
		list := func(state string, limit int) (s string) {
			t.Helper()
			rows, err := p.List(t.Context(), state, limit)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				s += r.To
			}
			return s
		}
		for _, c := range []struct {
			state string
			limit int
			want  string
		}{{"", 9, "321"}, {"", 2, "32"}, {outbox.Sent, 9, "1"}, {outbox.Parked, 9, "2"}, {outbox.Queued, 9, "3"}} {
			if got := list(c.state, c.limit); got != c.want {
				t.Errorf("list %q: got %s, want %s", c.state, got, c.want)
			}
		}
		if n, err := p.Sweep(t.Context(), 30*time.Minute); err != nil || n != 1 {
			t.Errorf("sweep: %d, %v", n, err)
		}
		if got := list("", 9); got != "32" {
			t.Errorf("after it: %s", got)
		}
	})
}
