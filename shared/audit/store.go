package audit

import (
	"context"
	"encoding/json"
	"slices"

	"tegata/shared/db"
	"tegata/shared/fault"
)

const columns = `e.id, e.at, e.action, e.actor, e.subject, e.client, e.details, e.request_id, e.place, e.agent`

func (e *stored) dest() []any {
	return []any{
		&e.ID, &e.At, &e.Action, &e.Actor, &e.Subject, &e.Client, &e.details, &e.RequestID, &e.Place, &e.Agent,
	}
}

func (l Log) insert(ctx context.Context, e Event, details string) error {
	_, err := l.DB.Exec(ctx, `
		insert into audit_events (id, at, action, actor, subject, client, details, request_id, place, agent, sealed)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, false)`,
		e.ID, e.At, e.Action, e.Actor, e.Subject, e.Client, details, e.RequestID, e.Place, e.Agent)
	return err
}

func (l Log) newest(ctx context.Context, n int) ([]Event, error) {
	all, err := db.Collect(ctx, l.DB, `select `+columns+` from audit_events e order by e.id desc limit $1`,
		db.Args(n), scanEvent)
	slices.Reverse(all)
	return all, err
}

func (l Log) following(ctx context.Context, after string, n int) ([]Event, error) {
	return db.Collect(ctx, l.DB, `select `+columns+` from audit_events e where e.id > $1 order by e.id limit $2`,
		db.Args(after, n), scanEvent)
}

func scanEvent(scan db.Scan) (Event, error) {
	var e stored
	if err := scan(e.dest()...); err != nil {
		return Event{}, err
	}
	err := json.Unmarshal([]byte(e.details), &e.Details)
	return e.Event, err
}

// head is the last place of the chain; the zero link when it is empty.
func (l Log) head(ctx context.Context) (link, error) {
	var at link
	err := l.DB.Row(ctx, `select seq, event_id, hash from audit_chain order by seq desc limit 1`, nil,
		&at.Seq, &at.EventID, &at.Hash)
	if fault.Is(err, fault.NotFound) {
		return link{}, nil
	}
	return at, err
}

func (l Log) unsealed(ctx context.Context, n int) ([]stored, error) {
	return db.Collect(ctx, l.DB, `
		select `+columns+`, c.seq
		from audit_events e left join audit_chain c on c.event_id = e.id
		where e.sealed = false
		order by e.id limit $1`, db.Args(n),
		func(scan db.Scan) (e stored, err error) {
			err = scan(append(e.dest(), &e.seq)...)
			return e, err
		})
}

func (l Log) append(ctx context.Context, at link) error {
	_, err := l.DB.Exec(ctx, `insert into audit_chain (seq, event_id, hash) values ($1, $2, $3)`,
		at.Seq, at.EventID, at.Hash)
	return err
}

func (l Log) markSealed(ctx context.Context, id string) error {
	_, err := l.DB.Exec(ctx, `update audit_events set sealed = true where id = $1`, id)
	return err
}

// links gives the next n places with their events. The places are read first: an
// event is always there before its place.
func (l Log) links(ctx context.Context, after int64, n int) ([]link, error) {
	page, err := db.Collect(ctx, l.DB, `select seq, event_id, hash from audit_chain where seq > $1 order by seq limit $2`,
		db.Args(after, n),
		func(scan db.Scan) (at link, err error) {
			err = scan(&at.Seq, &at.EventID, &at.Hash)
			return at, err
		})
	if err != nil || len(page) == 0 {
		return page, err
	}
	events, err := l.sealedEvents(ctx, page[0].Seq, page[len(page)-1].Seq)
	for i := range page {
		page[i].Event = events[page[i].EventID]
	}
	return page, err
}

// sealedEvents gives the events of the places first to last by their ids.
func (l Log) sealedEvents(ctx context.Context, first, last int64) (map[string]*stored, error) {
	all, err := db.Collect(ctx, l.DB, `
		select `+columns+`
		from audit_chain c join audit_events e on e.id = c.event_id
		where c.seq >= $1 and c.seq <= $2`, db.Args(first, last),
		func(scan db.Scan) (*stored, error) {
			e := &stored{}
			return e, scan(e.dest()...)
		})
	byID := make(map[string]*stored, len(all))
	for _, e := range all {
		byID[e.ID] = e
	}
	return byID, err
}

// stray names events that claim a place in the chain and have none.
func (l Log) stray(ctx context.Context) ([]string, error) {
	return db.Collect(ctx, l.DB, `
		select e.id from audit_events e
		where e.sealed = true and not exists (select 1 from audit_chain c where c.event_id = e.id)
		order by e.id limit 1000`, nil,
		func(scan db.Scan) (id string, err error) {
			err = scan(&id)
			return id, err
		})
}

func (l Log) countUnsealed(ctx context.Context) (n int, err error) {
	err = l.DB.Row(ctx, `select count(*) from audit_events where sealed = false`, nil, &n)
	return n, err
}
