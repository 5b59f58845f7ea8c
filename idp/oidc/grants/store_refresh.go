package grants

import (
	"context"
	"errors"
	"time"

	"tegata/idp/oidc/tokens"
	"tegata/shared/clock"
	"tegata/shared/fault"
)

// ErrOutrun is what Renew gives when another request put the next refresh token in the
// place of the same one, or the grant ended meanwhile.
var ErrOutrun = errors.New("grants: the refresh token has been replaced, or its grant is over")

// keepLonger is how much longer than needed a grant is kept when its end moves: so that
// it moves once a day and not with every refresh.
const keepLonger = 24 * time.Hour

// Renewal is what becomes of a grant when its refresh token is used.
type Renewal struct {
	Came      *Token              // the one that was used
	Next      *RefreshToken       // takes its place; nil: it stays, or that which took its place before
	Bound     tokens.Confirmation // of Next
	Until     time.Time           // when Next, or that which stays, ends
	ExpiresAt time.Time           // of the longest token that is given now
}

// Renew puts the next refresh token in the place of the one that came, or moves the end of
// the one that stays. Each way is one conditional UPDATE, so of requests that come at once
// one makes the next token: the others get ErrOutrun. fault.Expired says that what should
// stay is over. A transaction is needed only when the end of the grant moves as well.
func (s Store) Renew(ctx context.Context, r Renewal, now time.Time) error {
	end := clock.Later(r.Until, r.ExpiresAt)
	if !end.After(r.Came.keptUntil) {
		return s.renew(ctx, r, now)
	}
	return s.DB.Tx(ctx, func(ctx context.Context) error {
		if err := s.renew(ctx, r, now); err != nil {
			return err
		}
		return s.keep(ctx, r.Came.Grant, end.Add(keepLonger))
	})
}

func (s Store) renew(ctx context.Context, r Renewal, now time.Time) error {
	if r.Next == nil {
		return s.prolong(ctx, r, now)
	}
	return s.turn(ctx, r, now)
}

// turn puts the next refresh token in the place of the one that came.
func (s Store) turn(ctx context.Context, r Renewal, now time.Time) error {
	n, err := s.DB.Exec(ctx, `
		update grants set turn = $3, refresh_digest = $4, refresh_before = refresh_digest, refresh_cnf = $5,
			refresh_until = $6, turned_at = $7, used_at = $7
		where id = $1 and turn = $2 and ended_at is null`,
		r.Came.Grant, r.Next.Turn-1, r.Next.Turn, r.Next.digest(), r.Bound.Text(), r.Until, now)
	if err == nil && n == 0 {
		return ErrOutrun
	}
	return err
}

// prolong moves the end of the newest refresh token, which stays when it is used.
func (s Store) prolong(ctx context.Context, r Renewal, now time.Time) error {
	n, err := s.DB.Exec(ctx, `update grants set refresh_until = $3, used_at = $4 where id = $1 and turn = $2 and ended_at is null`,
		r.Came.Grant, r.Came.family.Turn, r.Until, now)
	if err == nil && n == 0 {
		return fault.New(fault.Expired, "", "oidc.token_over")
	}
	return err
}

// keep moves the moment from which a grant may be swept.
func (s Store) keep(ctx context.Context, id string, until time.Time) error {
	_, err := s.DB.Exec(ctx, `update grants set expires_at = $2 where id = $1`, id, until)
	return err
}
