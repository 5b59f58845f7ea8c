package devices

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"tegata/shared/db"
	"tegata/shared/fault"
)

// Store is the table of devices.
type Store struct{ DB *db.DB }

const columns = `id, client_id, scopes, resources, details, offline, place, state, browser, account_id, login, poll_after, poll_every, created_at, expires_at`

func (s Store) insert(ctx context.Context, d Device, code []byte) error {
	_, err := s.DB.Exec(ctx, `
		insert into devices (`+columns+`, code)
		values ($1, $2, $3, $4, $5, $6, $7, $8, null, null, '', $9, $10, $11, $12, $13)`,
		d.ID, d.ClientID, strings.Join(d.Scopes, " "), strings.Join(d.Resources, " "), string(d.Details), d.Offline, d.Place, string(Waiting),
		d.pollAfter, int64(d.pollEvery/time.Second), d.CreatedAt, d.ExpiresAt, code)
	return err
}

// claim ties an open row to the first browser that has its code, and gives it; to
// others it does not exist.
func (s Store) claim(ctx context.Context, code, browser []byte, now time.Time) (Device, error) {
	return read(func(dest ...any) error {
		return s.DB.Row(ctx, `
			update devices set browser = $2
			where code = $1 and (browser is null or browser = $2) and state = $3 and expires_at > $4
			returning `+columns, db.Args(code, browser, string(Waiting), now), dest...)
	})
}

func (s Store) byID(ctx context.Context, id string) (Device, error) {
	return read(func(dest ...any) error {
		return s.DB.Row(ctx, `select `+columns+` from devices where id = $1`, db.Args(id), dest...)
	})
}

func read(scan db.Scan) (Device, error) {
	var d Device
	var scopes, resources, details, login string
	var account *string
	var every int64
	err := scan(&d.ID, &d.ClientID, &scopes, &resources, &details, &d.Offline, &d.Place, &d.State, &d.browser, &account, &login,
		&d.pollAfter, &every, &d.CreatedAt, &d.ExpiresAt)
	if err != nil {
		return Device{}, err
	}
	d.Scopes, d.Resources, d.pollEvery = strings.Fields(scopes), strings.Fields(resources), time.Duration(every)*time.Second
	if details != "" {
		d.Details = json.RawMessage(details)
	}
	if account != nil {
		d.AccountID = *account
	}
	if login != "" {
		err = json.Unmarshal([]byte(login), &d.Login)
	}
	return d, err
}

// decide writes an answer where there is none; fault.Conflict otherwise.
func (s Store) decide(ctx context.Context, d Device, now time.Time) error {
	login, err := json.Marshal(d.Login)
	if err != nil {
		return err
	}
	n, err := s.DB.Exec(ctx, `
		update devices set state = $2, account_id = $3, login = $4
		where id = $1 and state = $5 and browser = $6 and expires_at > $7`,
		d.ID, string(d.State), d.AccountID, string(login), string(Waiting), d.browser, now)
	if err == nil && n == 0 {
		return fault.New(fault.Conflict, "", "device.over_row")
	}
	return err
}

// asked notes a question of the device; inTime is false when it came too early.
func (s Store) asked(ctx context.Context, id string, now, next time.Time) (inTime bool, err error) {
	n, err := s.DB.Exec(ctx, `update devices set poll_after = $3 where id = $1 and poll_after <= $2`, id, now, next)
	return n == 1, err
}

// slow makes the device wait for longer from now on.
func (s Store) slow(ctx context.Context, id string, every time.Duration, next time.Time) error {
	_, err := s.DB.Exec(ctx, `update devices set poll_every = $2, poll_after = $3 where id = $1`, id, int64(every/time.Second), next)
	return err
}

func (s Store) sweep(ctx context.Context, before time.Time) (int64, error) {
	return s.DB.Sweep(ctx, `
		delete from devices where id in (
			select id from devices where expires_at < $1 order by expires_at limit $2)`, before)
}
