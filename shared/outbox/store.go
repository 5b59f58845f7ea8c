package outbox

import (
	"context"
	"strings"
	"time"

	"tegata/shared/db"
	"tegata/shared/fault"
	"tegata/shared/secret"
)

const maxError = 1000 // bytes kept of what a sender said

// Row is what became of a message.
type Row struct {
	ID, Kind, To, State string
	Attempts            int
	Error               string    // why the last attempt failed; for operators
	DueAt               time.Time // queued: next attempt; sending: end of the lease
	CreatedAt           time.Time
	EndedAt             *time.Time // when it was sent or parked
}

// row is a Row with what only the worker sees.
type row struct {
	Row
	payload         []byte
	sealedBy, token string
}

const (
	seen    = `id, kind, recipient, state, attempts, error, due_at, created_at, ended_at`
	columns = seen + `, payload, sealed_by, lease`
)

func (r *Row) dest() []any {
	return []any{&r.ID, &r.Kind, &r.To, &r.State, &r.Attempts, &r.Error, &r.DueAt, &r.CreatedAt, &r.EndedAt}
}

func (o *Outbox) insert(ctx context.Context, r row) error {
	_, err := o.DB.Exec(ctx, `
		insert into outbox (`+columns+`)
		values ($1, $2, $3, $4, 0, '', $5, $5, null, $6, $7, '')`,
		r.ID, r.Kind, r.To, r.State, r.CreatedAt, r.payload, r.sealedBy)
	return err
}

// due names the rows whose time has come, those that wait longest first.
func (o *Outbox) due(ctx context.Context, now time.Time, n int) ([]string, error) {
	return db.Collect(ctx, o.DB, `
		select id from outbox where ended_at is null and due_at <= $1
		order by due_at, id limit $2`, db.Args(now, n),
		func(scan db.Scan) (id string, err error) {
			err = scan(&id)
			return id, err
		})
}

// lease takes the row until the time given and counts the attempt, unless another
// worker has it.
func (o *Outbox) lease(ctx context.Context, id string, now, until time.Time) (r row, took bool, err error) {
	err = o.DB.Row(ctx, `
		update outbox set state = 'sending', attempts = attempts + 1, due_at = $3, lease = $4
		where id = $1 and ended_at is null and due_at <= $2
		returning `+columns, db.Args(id, now, until, secret.NewID()),
		append(r.dest(), &r.payload, &r.sealedBy, &r.token)...)
	if fault.Is(err, fault.NotFound) {
		return r, false, nil
	}
	return r, err == nil, err
}

// end closes the row that we hold. A sent message is not needed any more, and its
// payload may open an account.
func (o *Outbox) end(ctx context.Context, r row, state, why string, now time.Time) (held bool, err error) {
	n, err := o.DB.Exec(ctx, `
		update outbox set state = $3, error = $4, ended_at = $5, lease = '',
			payload = case when $3 = 'sent' then $6 else payload end
		where id = $1 and lease = $2`,
		r.ID, r.token, state, cut(why), now, []byte{})
	return n == 1, err
}

// again puts the row that we hold back until its next attempt.
func (o *Outbox) again(ctx context.Context, r row, why string, due time.Time) (held bool, err error) {
	n, err := o.DB.Exec(ctx, `
		update outbox set state = 'queued', error = $3, due_at = $4, lease = ''
		where id = $1 and lease = $2`,
		r.ID, r.token, cut(why), due)
	return n == 1, err
}

// Retry queues a parked message again, for another day. It gives fault.NotFound when there is no
// parked message of that id.
func (o *Outbox) Retry(ctx context.Context, id string) error {
	n, err := o.DB.Exec(ctx, `
		update outbox set state = 'queued', attempts = 0, created_at = $2, due_at = $2, ended_at = null
		where id = $1 and state = 'parked'`, id, o.Clock())
	if err == nil && n == 0 {
		return fault.New(fault.NotFound, "", "outbox.not_parked")
	}
	o.DB.AfterCommit(ctx, o.Wake)
	return err
}

// Find gives one message, or fault.NotFound.
func (o *Outbox) Find(ctx context.Context, id string) (Row, error) {
	var r Row
	err := o.DB.Row(ctx, `select `+seen+` from outbox where id = $1`, db.Args(id), r.dest()...)
	return r, err
}

// List gives the newest messages in a state, or in any when state is "".
func (o *Outbox) List(ctx context.Context, state string, limit int) ([]Row, error) {
	return db.Collect(ctx, o.DB, `
		select `+seen+` from outbox where state = $1 or $1 = ''
		order by id desc limit $2`, db.Args(state, limit),
		func(scan db.Scan) (r Row, err error) {
			err = scan(r.dest()...)
			return r, err
		})
}

// Counts tells how many messages are in each state.
func (o *Outbox) Counts(ctx context.Context) (map[string]int, error) {
	counts := map[string]int{Queued: 0, Sending: 0, Sent: 0, Parked: 0}
	type count struct {
		state string
		n     int
	}
	all, err := db.Collect(ctx, o.DB, `select state, count(*) from outbox group by state`, nil,
		func(scan db.Scan) (c count, err error) {
			err = scan(&c.state, &c.n)
			return c, err
		})
	for _, c := range all {
		counts[c.state] = c.n
	}
	return counts, err
}

// Sweep deletes the messages that ended longer than keep ago, a few at a time, and
// tells how many.
func (o *Outbox) Sweep(ctx context.Context, keep time.Duration) (int64, error) {
	return o.DB.Sweep(ctx, `
		delete from outbox where ended_at is not null and id in (
			select id from outbox where ended_at is not null and ended_at < $1 order by ended_at limit $2)`, o.Clock().Add(-keep))
}

// cut keeps the beginning of what a sender said, as text that both databases take.
func cut(why string) string {
	why = strings.ReplaceAll(why, "\x00", "")
	return strings.ToValidUTF8(why[:min(len(why), maxError)], "")
}
