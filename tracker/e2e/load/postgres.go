package main

import (
	"errors"
	"fmt"
	"time"

	"tegata/shared/db/dbtest"
)

// database is a PostgreSQL server of our own, whose CPU is told apart from the provider's.
type database struct{ *dbtest.Durable }

func (d *database) cpu() time.Duration { return familyCPU(d.PID) }

// thirdOf is what PostgreSQL has to reach of the rate on SQLite.
const thirdOf = 0.33

// postgres is the main table on PostgreSQL, beside what SQLite gave.
func (b *bench) postgres() error {
	p, err := b.onPostgreSQL("postgres")
	if errors.Is(err, errNoServer) {
		b.out.left("PostgreSQL", err)
		return nil
	}
	if err != nil {
		return err
	}
	defer p.process.stop()
	if _, err := b.rates(p.target, "idp on PostgreSQL, durable commits", false); err != nil {
		return err
	}
	b.compare()
	return b.crowd(p.target, "idp on PostgreSQL, many callers at once")
}

var errNoServer = errors.New("no server of PostgreSQL")

// onPostgreSQL starts a provider with a server of PostgreSQL of its own; errNoServer where
// there is none.
func (b *bench) onPostgreSQL(name string) (*provider, error) {
	server, err := dbtest.StartDurable()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoServer, err)
	}
	b.ending.Lock()
	b.postgresql = append(b.postgresql, server)
	b.ending.Unlock()
	p, err := b.provider(name, server.URL)
	if err == nil {
		p.database = &database{server}
	}
	return p, err
}

// compare puts the rates on PostgreSQL beside those on SQLite.
func (b *bench) compare() {
	if len(b.out.Tables) < 2 {
		return
	}
	on, at := b.out.Tables[len(b.out.Tables)-1], b.out.Tables[0]
	t := b.out.table("PostgreSQL beside SQLite", "the rate on PostgreSQL, as a part of that on SQLite")
	for _, r := range on.Rows {
		for _, s := range at.Rows {
			if r.Line != s.Line || r.Callers != s.Callers || r.Line == fixedLine.name {
				continue
			}
			t.add(row{Line: r.Line, Callers: r.Callers, PerSecond: r.PerSecond, PerCPUSecond: r.PerCPUSecond, CPU: r.CPU, Database: r.Database, Others: r.Others,
				Aims: []aim{atLeast(fmt.Sprintf("of %.0f on SQLite", s.PerSecond), ratio(r.PerSecond, s.PerSecond), thirdOf)}})
		}
	}
}
