package clients

import (
	"context"
	"time"

	"tegata/shared/db"
	"tegata/shared/fault"
	"tegata/shared/once"
)

// Store is the table of clients.
type Store struct{ DB *db.DB }

// switchedOff is the source of a client of the file that was switched off by hand: the
// file does not switch it on again, while one that comes back into the file works again.
const switchedOff = "config, switched off"

// put writes a client; one that is there is replaced, whatever its source. Nothing is
// written when nothing changed, so that a start costs no commit.
func (s Store) put(ctx context.Context, c Client, now time.Time) error {
	record, err := c.encode()
	if err != nil {
		return err
	}
	_, err = s.DB.Exec(ctx, `
		insert into clients (id, source, record, disabled, created_at, updated_at)
		values ($1, $2, $3, false, $4, $4)
		on conflict (id) do update
		set source = case when clients.source = $5 then clients.source else excluded.source end,
		    record = excluded.record, disabled = (clients.source = $5), updated_at = excluded.updated_at
		where clients.record <> excluded.record or clients.source not in (excluded.source, $5)
		or clients.disabled <> (clients.source = $5)`,
		c.ID, c.Source, record, now, switchedOff)
	return err
}

// insert writes a new client; fault.Conflict when the id is taken.
func (s Store) insert(ctx context.Context, c Client, now time.Time) error {
	record, err := c.encode()
	if err != nil {
		return err
	}
	_, err = s.DB.Exec(ctx, `
		insert into clients (id, source, record, disabled, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $5)`, c.ID, c.Source, record, c.Disabled, now)
	return err
}

// update replaces the record that was seen; fault.Conflict when it is another by now.
func (s Store) update(ctx context.Context, seen, c Client, now time.Time) error {
	record, err := c.encode()
	if err != nil {
		return err
	}
	n, err := s.DB.Exec(ctx, `update clients set record = $3, updated_at = $4 where id = $1 and record = $2`,
		c.ID, seen.record, record, now)
	if err == nil && n == 0 {
		return fault.New(fault.Conflict, "", "client.changed_meanwhile")
	}
	return err
}

// setDisabled switches a client off or on by hand, and tells whether that changed anything.
func (s Store) setDisabled(ctx context.Context, id string, off bool, now time.Time) (done bool, err error) {
	from, to := SourceConfig, switchedOff
	if !off {
		from, to = to, from
	}
	touched, err := s.DB.Exec(ctx, `
		update clients set disabled = $2, updated_at = $3, source = case when source = $4 then $5 else source end
		where id = $1 and (disabled <> $2 or source = $4)`, id, off, now, from, to)
	return touched > 0, err
}

// delete takes grants, tokens, devices and the diary along by their foreign keys. What
// names the client without a row of its own, a code or a pushed request, names this
// registration, so that it counts for nobody who comes after it. Links to the diary end.
func (s Store) delete(ctx context.Context, id string, now time.Time) error {
	if _, err := (once.Store{DB: s.DB}).End(ctx, shared, id, now); err != nil {
		return err
	}
	if _, err := s.DB.Exec(ctx, `delete from consents where client_id = $1`, id); err != nil {
		return err
	}
	_, err := s.DB.Exec(ctx, `delete from clients where id = $1`, id)
	return err
}

// byID gives a client; fault.NotFound when there is none.
func (s Store) byID(ctx context.Context, id string) (Client, error) {
	return read(func(dest ...any) error {
		return s.DB.Row(ctx, `select `+columns+` from clients where id = $1`, db.Args(id), dest...)
	})
}

// all gives every client, in the order of their ids.
func (s Store) all(ctx context.Context) ([]Client, error) {
	return db.Collect(ctx, s.DB, `select `+columns+` from clients order by id`, nil, read)
}

// dropInteractions ends the conversations with people who were asked about the client:
// what they say must not count for somebody else under its id. It looks at all of them.
func (s Store) dropInteractions(ctx context.Context, id string) error {
	_, err := s.DB.Exec(ctx, `delete from interactions where client_id = $1`, id)
	return err
}

// disable switches a client off; its grants end with it.
func (s Store) disable(ctx context.Context, id string, now time.Time) error {
	_, err := s.DB.Exec(ctx, `update clients set disabled = true, updated_at = $2 where id = $1`, id, now)
	return err
}

const columns = `record, source, disabled, created_at`

func read(scan db.Scan) (Client, error) {
	var record, source string
	var disabled bool
	var registeredAt time.Time
	if err := scan(&record, &source, &disabled, &registeredAt); err != nil {
		return Client{}, err
	}
	c, err := decode(record)
	if source == switchedOff {
		source = SourceConfig
	}
	c.Source, c.Disabled, c.RegisteredAt, c.record = source, disabled, registeredAt, record
	return c, err
}
