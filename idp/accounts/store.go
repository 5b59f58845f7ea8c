package accounts

import (
	"context"
	"strings"
	"time"

	"tegata/shared/db"
)

// Store keeps accounts, the terms they accepted, and waiting pages (store_waiting.go).
type Store struct{ DB *db.DB }

// What may be told of a person comes first, then what only we know.
const (
	told = `id, subject, email, username, given_name, family_name, nickname, language, zone, updated_at, proved_at,
	middle_name, preferred_username, profile, picture, website, gender, birthdate, phone_number, phone_verified_at, address`
	columns = told + `, legacy_id, country, state, activation_id, created_at, activated_at, last_login_at, previous_login_at`
)

// Columns are what Row reads, of the table accounts under the name a, and ToldColumns those
// of them that claims are made of: for statements of other areas that need an account along
// with what is theirs.
var Columns, ToldColumns = ofA(columns), ofA(told)

func ofA(columns string) string {
	return "a." + strings.ReplaceAll(strings.Join(strings.Fields(columns), " "), ", ", ", a.")
}

// IdentityColumns are what Identity.Dest reads, of the table accounts under the name a.
const IdentityColumns = "a.id, a.subject, a.state"

// Identity is who an account is, for those who need nothing else of it.
type Identity struct {
	ID, Subject string
	State       State
}

// Dest is where IdentityColumns go.
func (i *Identity) Dest() []any { return []any{&i.ID, &i.Subject, &i.State} }

// Identity gives who the account is.
func (a Account) Identity() Identity { return Identity{ID: a.ID, Subject: a.Subject, State: a.State} }

// Row is an account as it is scanned.
type Row struct {
	one                Account
	username, legacyID *string
	address            string
}

// Dest is where Columns go.
func (r *Row) Dest() []any {
	a := &r.one
	return append(r.ToldDest(),
		&r.legacyID, &a.Country, &a.State, &a.activationID, &a.CreatedAt, &a.ActivatedAt, &a.LastLoginAt, &a.PreviousLoginAt)
}

// ToldDest is where ToldColumns go; the rest of the account stays empty.
func (r *Row) ToldDest() []any {
	a := &r.one
	return []any{
		&a.ID, &a.Subject, &a.Email, &r.username, &a.GivenName, &a.FamilyName, &a.Nickname, &a.Language, &a.Zone, &a.UpdatedAt, &a.ProvedAt,
		&a.Details.MiddleName, &a.Details.PreferredUsername, &a.Details.Profile, &a.Details.Picture, &a.Details.Website,
		&a.Details.Gender, &a.Details.Birthdate, &a.Details.PhoneNumber, &a.PhoneVerifiedAt, &r.address,
	}
}

// Account gives what was scanned.
func (r *Row) Account() (Account, error) {
	a := &r.one
	if r.username != nil {
		a.Username = *r.username
	}
	if r.legacyID != nil {
		a.LegacyID = *r.legacyID
	}
	var err error
	a.Details.Address, err = decodeAddress(r.address)
	a.Details.Zone, a.Details.PhoneVerified = a.Zone, a.PhoneVerifiedAt != nil
	return *a, err
}

func (s Store) insert(ctx context.Context, a Account) error {
	_, err := s.DB.Exec(ctx, `
		insert into accounts (id, subject, email, given_name, family_name, nickname, country, language, zone, state,
			activation_id, created_at, updated_at, proved_at, activated_at,
			middle_name, preferred_username, profile, picture, website, gender, birthdate, phone_number, phone_verified_at, address)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)`,
		a.ID, a.Subject, a.Email, a.GivenName, a.FamilyName, a.Nickname, a.Country, a.Language, a.Zone, string(a.State),
		a.CreatedAt, a.UpdatedAt, a.ProvedAt, a.ActivatedAt,
		a.Details.MiddleName, a.Details.PreferredUsername, a.Details.Profile, a.Details.Picture, a.Details.Website,
		a.Details.Gender, a.Details.Birthdate, a.Details.PhoneNumber, a.PhoneVerifiedAt, a.Details.Address.encode())
	return err
}

func (s Store) byID(ctx context.Context, id string) (Account, error) {
	return s.one(ctx, `select `+columns+` from accounts where id = $1 and deleted_at is null`, id)
}

func (s Store) bySubject(ctx context.Context, subject string) (Account, error) {
	return s.one(ctx, `select `+columns+` from accounts where subject = $1 and deleted_at is null`, subject)
}

func (s Store) byEmail(ctx context.Context, email string) (Account, error) {
	return s.one(ctx, `select `+columns+` from accounts where email = $1 and deleted_at is null`, email)
}

func (s Store) list(ctx context.Context, after string, n int) ([]Account, error) {
	return db.Collect(ctx, s.DB, `
		select `+columns+` from accounts
		where id > $1 and deleted_at is null order by id limit $2`, db.Args(after, n),
		func(scan db.Scan) (Account, error) {
			var r Row
			if err := scan(r.Dest()...); err != nil {
				return Account{}, err
			}
			return r.Account()
		})
}

// setActivation makes a ticket the newest one of the account.
func (s Store) setActivation(ctx context.Context, id, ticketID string) error {
	_, err := s.DB.Exec(ctx, `update accounts set activation_id = $2 where id = $1`, id, ticketID)
	return err
}

// prove gives fault.NotFound unless the account is pending and the ticket its newest.
func (s Store) prove(ctx context.Context, id, ticketID string, now time.Time) error {
	return s.DB.Row(ctx, `
		update accounts set state = 'proved', proved_at = $3, updated_at = $3
		where id = $1 and activation_id = $2 and state = 'pending'
		returning id`, db.Args(id, ticketID, now), &id)
}

// loggedIn notes a log-in with the password of that number, which must still be the
// current one, and gives the account. Not so, or another state: fault.NotFound.
func (s Store) loggedIn(ctx context.Context, id string, password int, now time.Time) (Account, error) {
	return s.one(ctx, `
		update accounts set
			state = 'active',
			activated_at = coalesce(activated_at, $3),
			previous_login_at = last_login_at,
			last_login_at = $3
		where id = $1 and state in ('proved', 'active') and deleted_at is null
			and $2 = (select max(number) from passwords where account_id = $1)
		returning `+columns, id, password, now)
}

// deletePending removes an account that nobody ever logged in to; any other stays.
func (s Store) deletePending(ctx context.Context, id string) error {
	_, err := s.DB.Exec(ctx, `delete from accounts where id = $1 and state in ('pending', 'proved')`, id)
	return err
}

// deleteUnproved deletes some of those who never proved their address, the oldest first.
func (s Store) deleteUnproved(ctx context.Context, before time.Time) ([]string, error) {
	return db.Collect(ctx, s.DB, `
		delete from accounts where state = 'pending' and id in (
			select id from accounts where state = 'pending' and created_at < $1 order by id limit $2)
		returning id`, db.Args(before, sweepBatch), func(scan db.Scan) (id string, err error) { return id, scan(&id) })
}

func (s Store) acceptTerms(ctx context.Context, id, version, language string, now time.Time) error {
	_, err := s.DB.Exec(ctx, `
		insert into terms_acceptances (account_id, version, accepted_at, language) values ($1, $2, $3, $4)
		on conflict (account_id, version) do nothing`,
		id, version, now, language)
	return err
}

// accepted gives fault.NotFound unless the account accepted that version.
func (s Store) accepted(ctx context.Context, id, version string) error {
	return s.DB.Row(ctx, `select account_id from terms_acceptances where account_id = $1 and version = $2`,
		db.Args(id, version), &id)
}

func (s Store) one(ctx context.Context, query string, args ...any) (Account, error) {
	var r Row
	if err := s.DB.Row(ctx, query, args, r.Dest()...); err != nil {
		return Account{}, err
	}
	return r.Account()
}
