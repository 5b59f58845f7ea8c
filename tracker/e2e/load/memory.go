package main

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"tegata/idp/app"
)

const (
	liveSessions = 10_000
	mostMemory   = 100 // MB

	sessionCookie = "tegata_session" // as browsers get it
)

// memory lets every one of ten thousand sessions sign in once more at a client, and
// looks at what the server holds then, and what it has left running.
func (b *bench) memory() error {
	p, err := b.provider("memory", "")
	if err != nil {
		return err
	}
	defer p.process.stop()
	t := b.out.table("Memory", "idp on SQLite")
	cookies, err := p.openSessions(b.sessions)
	if err != nil {
		return err
	}
	var next atomic.Int64
	flow := line{name: fmt.Sprintf("code flow of %d sessions", b.sessions), do: func(c *caller) error {
		c.cookie = cookies[int(next.Add(1)-1)%len(cookies)]
		return c.codeFlow()
	}}
	all, err := p.callers(64)
	if err != nil {
		return err
	}
	p.rest()
	before, err := p.goroutines(0)
	if err != nil {
		return err
	}
	w := p.observe(all, func(c *caller) (w window) {
		for int(next.Load()) < b.sessions {
			began := time.Now()
			err := flow.do(c)
			w.note(flow, c, err, time.Since(began))
		}
		return w
	})
	r := rowOf(flow, len(all), &w)
	t.add(r)
	held := p.process.resident()
	t.add(row{Line: "resident, sessions alive", Value: held, Unit: "MB", Aims: []aim{atMost("MB", held, mostMemory)}})
	return p.leftOver(t, before)
}

// leftOver adds to the table how many goroutines run when nobody calls any more; before is how
// many there were.
func (t *target) leftOver(to *table, before float64) error {
	t.rest()
	after, err := t.goroutines(before)
	if err != nil {
		return err
	}
	to.add(row{Line: "goroutines left", Value: after, Unit: "of " + fmt.Sprint(before), Aims: []aim{atMost("goroutines", after, before)}})
	return nil
}

// openSessions gives the cookies of n sessions that are alive. They are made by the
// program's own package in its database: logging in so often would take minutes, all
// of them for hashing.
func (p *provider) openSessions(n int) ([]string, error) {
	ctx := context.Background()
	cfg, err := app.Load(p.config, p.env)
	if err != nil {
		return nil, err
	}
	var options app.Options
	options.Keep, options.Log = true, slog.New(slog.DiscardHandler)
	s, err := app.Open(ctx, cfg, options)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	cookies := make([]string, n)
	for i := range cookies {
		who, err := s.Accounts.ByEmail(ctx, p.people[i%len(p.people)].email)
		if err != nil {
			return nil, err
		}
		_, token, err := s.Sessions.Start(ctx, who.ID, []string{"pwd"})
		if err != nil {
			return nil, err
		}
		cookies[i] = sessionCookie + "=" + token
	}
	return cookies, nil
}

// settling is how long the server may take to let go of what it does not need.
const settling = 20 * time.Second

// goroutines tells how many the server runs when it is left alone: it waits for at
// most so many, and gives what there are in the end. 0 waits for a moment.
func (t *target) goroutines(most float64) (n float64, err error) {
	time.Sleep(time.Second)
	for end := time.Now().Add(settling); ; time.Sleep(500 * time.Millisecond) {
		if n, err = t.metric("go_goroutines"); err != nil || n <= most || most == 0 || time.Now().After(end) {
			return n, err
		}
	}
}

// metric reads one of the server's metrics.
func (t *target) metric(name string) (float64, error) {
	resp, err := http.Get(t.metrics)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("%s has no %s", t.metrics, name)
}
