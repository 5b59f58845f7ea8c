package interaction

import (
	"context"
	"strings"
	"time"

	"tegata/idp/accounts"
	"tegata/idp/sessions"
	"tegata/shared/db"
)

// Store keeps conversations and consents.
type Store struct{ DB *db.DB }

func (s Store) insert(ctx context.Context, it Interaction, browser []byte) error {
	var maxAge *int64
	if it.MaxAge != nil {
		seconds := int64(it.MaxAge.Seconds())
		maxAge = &seconds
	}
	_, err := s.DB.Exec(ctx, `
		insert into interactions (id, browser, client_id, client_name, request, target, ui_locales, prompt, max_age,
			scopes, needs_consent, login_hint, email, account_id, session_id, consent, consented_for, created_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, '', $13, '', '', '', $14, $15)`,
		it.ID, browser, it.ClientID, it.ClientName, it.Request, it.Target, it.UILocales, strings.Join(it.Prompt, " "), maxAge,
		strings.Join(it.Scopes, " "), it.NeedsConsent, it.LoginHint, it.AccountID, it.CreatedAt, it.ExpiresAt)
	return err
}

func (s Store) byID(ctx context.Context, id string) (it Interaction, browser []byte, err error) {
	var prompt, scopes string
	var maxAge *int64
	err = s.DB.Row(ctx, `
		select id, browser, client_id, client_name, request, target, ui_locales, prompt, max_age, scopes, needs_consent,
			login_hint, email, account_id, session_id, consent, consented_for, created_at, expires_at, finished_at
		from interactions where id = $1`, db.Args(id),
		&it.ID, &browser, &it.ClientID, &it.ClientName, &it.Request, &it.Target, &it.UILocales, &prompt, &maxAge, &scopes, &it.NeedsConsent,
		&it.LoginHint, &it.Email, &it.AccountID, &it.SessionID, &it.Consent, &it.consentedFor, &it.CreatedAt, &it.ExpiresAt, &it.finishedAt)
	it.Prompt, it.Scopes = strings.Fields(prompt), strings.Fields(scopes)
	if maxAge != nil {
		age := time.Duration(*maxAge) * time.Second
		it.MaxAge = &age
	}
	return it, browser, err
}

// identify gives fault.NotFound when the conversation has been finished meanwhile, as
// do the other steps.
func (s Store) identify(ctx context.Context, id, email string) error {
	return s.DB.Row(ctx, `
		update interactions set email = $2, account_id = '', session_id = ''
		where id = $1 and finished_at is null
		returning id`, db.Args(id, email), &id)
}

// choose keeps no session with the account: nothing was proved.
func (s Store) choose(ctx context.Context, id, accountID string) error {
	return s.DB.Row(ctx, `
		update interactions set email = '', account_id = $2, session_id = ''
		where id = $1 and finished_at is null
		returning id`, db.Args(id, accountID), &id)
}

func (s Store) proved(ctx context.Context, id, accountID, sessionID string) error {
	return s.DB.Row(ctx, `
		update interactions set account_id = $2, session_id = $3
		where id = $1 and finished_at is null
		returning id`, db.Args(id, accountID, sessionID), &id)
}

func (s Store) answer(ctx context.Context, id, accountID string, a Answer) error {
	return s.DB.Row(ctx, `
		update interactions set consent = $2, consented_for = $3
		where id = $1 and finished_at is null
		returning id`, db.Args(id, string(a), accountID), &id)
}

func (s Store) finish(ctx context.Context, id string, now time.Time) (won bool, err error) {
	n, err := s.DB.Exec(ctx, `
		update interactions set finished_at = $2
		where id = $1 and finished_at is null and expires_at > $2`, id, now)
	return n == 1, err
}

func (s Store) sweep(ctx context.Context, before time.Time) (int64, error) {
	return s.DB.Sweep(ctx, `
		delete from interactions where id in (
			select id from interactions where created_at < $1 order by created_at limit $2)`, before)
}

func (s Store) consent(ctx context.Context, accountID, clientID string) ([]string, error) {
	var scopes string
	err := s.DB.Row(ctx, `select scopes from consents where account_id = $1 and client_id = $2`,
		db.Args(accountID, clientID), &scopes)
	return strings.Fields(scopes), err
}

// known looks at session, account, terms and consent at once; fault.NotFound when there is
// no such session of an account that may log in.
func (s Store) known(ctx context.Context, sessionID, clientID, terms string, r *sessions.Row) (k Known, err error) {
	var accepted bool
	var allowed *string
	dest := append(append(r.Dest(), k.Account.Dest()...), &accepted, &allowed)
	if err := s.DB.Row(ctx, knownBySession, db.Args(sessionID, clientID, terms), dest...); err != nil {
		return Known{}, err
	}
	k.TermsDue = terms != "" && !accepted
	if allowed != nil {
		scopes := strings.Fields(*allowed)
		k.Allowed = &scopes
	}
	return k, nil
}

var knownBySession = `
	select ` + sessions.Columns + `, ` + accounts.IdentityColumns + `, t.account_id is not null, c.scopes
	from sessions s
	join accounts a on a.id = s.account_id
	left join terms_acceptances t on t.account_id = a.id and t.version = $3
	left join consents c on c.account_id = a.id and c.client_id = $2
	where s.id = $1 and a.state = 'active' and a.deleted_at is null`

func (s Store) keepConsent(ctx context.Context, accountID, clientID string, scopes []string, now time.Time) error {
	_, err := s.DB.Exec(ctx, `
		insert into consents (account_id, client_id, scopes, granted_at) values ($1, $2, $3, $4)
		on conflict (account_id, client_id) do update set scopes = excluded.scopes, granted_at = excluded.granted_at`,
		accountID, clientID, strings.Join(scopes, " "), now)
	return err
}
