package oidc

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"tegata/shared/db"
	"tegata/shared/fault"
	"tegata/shared/secret"
)

// freshToken is a token about to be written.
type freshToken struct {
	ID        string
	Digest    []byte
	Target    *target // nil: what its grant says
	Bound     confirmation
	ExpiresAt time.Time
}

// insertClientToken writes an access token of a client that acts for itself.
func (s store) insertClientToken(ctx context.Context, client string, about *session, t freshToken, now time.Time) error {
	session, err := json.Marshal(about)
	if err != nil {
		return err
	}
	target, err := json.Marshal(t.Target)
	if err != nil {
		return err
	}
	_, err = s.DB.Exec(ctx, `
		insert into client_tokens (id, client_id, digest, session, target, cnf, created_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		t.ID, client, t.Digest, string(session), string(target), t.Bound.text(), now, t.ExpiresAt)
	return err
}

// access finds an access token of either table by what somebody holds. Its errors are
// those of token.
func (s store) access(ctx context.Context, given string) (held, error) {
	h, err := s.token(ctx, kindAccess, given)
	if !fault.Is(err, fault.NotFound) {
		return h, err
	}
	return s.clientToken(ctx, given)
}

// of finds a token of that kind, of either table.
func (s store) of(ctx context.Context, kind, given string) (held, error) {
	if kind == kindAccess {
		return s.access(ctx, given)
	}
	return s.token(ctx, kind, given)
}

// clientToken is token for those that insertClientToken wrote.
func (s store) clientToken(ctx context.Context, given string) (held, error) {
	id, digest, ok := readToken(given)
	if !ok {
		return held{}, unknownToken()
	}
	h := held{Machine: true}
	var kept, about, target []byte
	var ended *time.Time
	var disabled bool
	var cnf string
	err := s.DB.Row(ctx, `
		select t.id, t.digest, t.client_id, t.session, t.target, t.cnf, t.created_at, t.expires_at, t.ended_at, c.disabled
		from client_tokens t join clients c on c.id = t.client_id
		where t.id = $1`, db.Args(id),
		&h.Token, &kept, &h.Client, &about, &target, &cnf, &h.CreatedAt, &h.ExpiresAt, &ended, &disabled)
	if err == nil && !secret.Match(kept, digest) {
		err = unknownToken()
	}
	if err == nil {
		h.Bound, err = readConfirmation(cnf)
	}
	if err != nil {
		return held{}, err
	}
	h.Ended, h.Replaced = ended != nil || disabled, ended != nil
	if err := json.Unmarshal(about, &h.Session); err != nil {
		return held{}, err
	}
	return h, h.aimed(target)
}

// endClientToken ends one access token.
func (s store) endClientToken(ctx context.Context, id string, now time.Time) error {
	_, err := s.DB.Exec(ctx, `update client_tokens set ended_at = $2 where id = $1 and ended_at is null`, id, now)
	return err
}

// sweepClientTokens deletes some tokens that expired before the moment.
func (s store) sweepClientTokens(ctx context.Context, before time.Time) (int64, error) {
	return s.DB.Exec(ctx, `
		delete from client_tokens where id in (
			select id from client_tokens where expires_at < $1 order by expires_at limit $2)`, before, sweepBatch)
}

// insertDerived writes a grant that no code led to: for a token that was exchanged, or
// an assertion of somebody we trust. rootID names the grant it ends with, "" for none.
// It gives fault.Expired when the account may not log in any more, or the person
// withdrew what the client is allowed while it asked.
func (s store) insertDerived(ctx context.Context, g grant, rootID string, now time.Time) error {
	about, err := json.Marshal(g.Session)
	if err != nil {
		return err
	}
	var root *string
	if rootID != "" {
		root = &rootID
	}
	if err := s.note(ctx, g, now); err != nil {
		return err
	}
	n, err := s.DB.Exec(ctx, `
		insert into grants (id, client_id, account_id, session_id, offline, scopes, session, created_at, expires_at, root_id)
		select $1, $2, id, $3, $4, $5, $6, $7, $8, $9
		from accounts where id = $10 and state = 'active' and deleted_at is null
		and not exists (
			select 1 from connections c where c.account_id = accounts.id and c.client_id = $2 and c.withdrawn_at >= $11)`,
		g.ID, g.Client, g.Session.SID, g.Offline, strings.Join(g.Scopes, " "), string(about), now, g.ExpiresAt, root, g.Session.AccountID, g.asked(now))
	if err == nil && n == 0 {
		return fault.New(fault.Expired, "", "oidc.session_over")
	}
	return err
}

// grantOf gives the newest grant of a log-in that the client has of the session, as held
// without a token; fault.NotFound when there is none that is alive.
func (s store) grantOf(ctx context.Context, client, sid string, now time.Time) (held, error) {
	var h held
	var scopes string
	var about []byte
	var sessionID *string
	err := s.DB.Row(ctx, `
		select g.id, g.client_id, g.scopes, g.offline, g.session, g.created_at, s.id
		from grants g left join sessions s on s.id = g.session_id and s.ended_at is null
		where g.account_id = (select account_id from sessions where id = $2) and g.client_id = $1
			and g.session_id = $2 and g.root_id is null and g.ended_at is null and g.expires_at > $3
		order by g.id desc limit 1`, db.Args(client, sid, now),
		&h.ID, &h.Client, &scopes, &h.Offline, &about, &h.BeganAt, &sessionID)
	if err != nil {
		return held{}, err
	}
	h.Scopes, h.Over = strings.Fields(scopes), !h.Offline && sessionID == nil
	return h, json.Unmarshal(about, &h.Session)
}

// aimed reads the target column into what the token is good for; without one that is
// all its grant is good for.
func (h *held) aimed(column []byte) error {
	if len(column) == 0 {
		h.Target = target{Scopes: h.Scopes}
		return nil
	}
	if err := json.Unmarshal(column, &h.Target); err != nil {
		return err
	}
	h.Scopes = h.Target.Scopes
	return nil
}

func unknownToken() error { return fault.New(fault.NotFound, "", "oidc.unknown_token") }
