package candidates

import (
	"context"
	"time"

	"tegata/shared/db"
	"tegata/shared/fault"
	"tegata/shared/secret"
)

// store remembers candidates and their external IDs; store_personal.go the rest.
type store struct{ DB *db.DB }

const columns = `id, state, given_name, family_name, email, country, zone,
	company, company_updated_at, first_booked_on, created_at, updated_at, last_login_at`

// dest gives where the columns above are scanned into.
func (c *Candidate) dest() []any {
	return []any{&c.ID, &c.State, &c.GivenName, &c.FamilyName, &c.Email, &c.Country, &c.Zone,
		&c.Company, &c.CompanyUpdatedAt, &c.FirstBookedOn, &c.CreatedAt, &c.UpdatedAt, &c.LastLoginAt}
}

func (s store) byID(ctx context.Context, id string) (c Candidate, err error) {
	err = s.DB.Row(ctx, `select `+columns+` from candidates where id = $1`, db.Args(id), c.dest()...)
	return c, err
}

// byValue finds by an ID elsewhere: an active one, or a CSCO ID of any age.
func (s store) byValue(ctx context.Context, value string) (c Candidate, err error) {
	err = s.DB.Row(ctx, `
		select `+columns+` from candidates where id = (
			select candidate_id from external_ids
			where value = $1 and (state = 'active' or system = 'csco')
			order by linked_at limit 1)`, db.Args(value), c.dest()...)
	return c, err
}

func (s store) list(ctx context.Context, after string, limit int) ([]Candidate, error) {
	return db.Collect(ctx, s.DB, `
		select `+columns+` from candidates where id > $1 order by id limit $2`,
		db.Args(after, limit), func(scan db.Scan) (c Candidate, err error) { return c, scan(c.dest()...) })
}

func (s store) insert(ctx context.Context, c Candidate) error {
	_, err := s.DB.Exec(ctx, `
		insert into candidates (id, state, given_name, family_name, email, country, zone,
			company, first_booked_on, created_at, updated_at, last_login_at)
		values ($1, $2, $3, $4, $5, $6, $7, '', '', $8, $9, $10)`,
		c.ID, string(c.State), c.GivenName, c.FamilyName, c.Email, c.Country, c.Zone,
		c.CreatedAt, c.UpdatedAt, c.LastLoginAt)
	return err
}

// noteLogin keeps what the provider says now. What it does not say stays as it was.
func (s store) noteLogin(ctx context.Context, id string, a Arrival, now time.Time) (c Candidate, err error) {
	err = s.DB.Row(ctx, `
		update candidates set
			given_name  = case when $2 = '' and $3 = '' then given_name else $2 end,
			family_name = case when $2 = '' and $3 = '' then family_name else $3 end,
			email       = case when $4 = '' then email else $4 end,
			country     = case when $5 = '' then country else $5 end,
			zone        = case when $6 = '' then zone else $6 end,
			last_login_at = $7
		where id = $1
		returning `+columns,
		db.Args(id, a.GivenName, a.FamilyName, a.Email, a.Country, a.Zone, now), c.dest()...)
	return c, err
}

// touch comes first in each change of a candidate: it makes changes of one person wait
// for each other, so that each sees what the other saved.
func (s store) touch(ctx context.Context, id string, now time.Time) error {
	return s.one(ctx, `update candidates set updated_at = $2 where id = $1`, id, now)
}

func (s store) setCompany(ctx context.Context, id, name string, now time.Time) error {
	return s.one(ctx, `
		update candidates set company = $2, company_updated_at = $3, updated_at = $3 where id = $1`, id, name, now)
}

func (s store) noteBooking(ctx context.Context, id, day string, now time.Time) error {
	_, err := s.DB.Exec(ctx, `
		update candidates set first_booked_on = $2, updated_at = $3
		where id = $1 and (first_booked_on = '' or first_booked_on > $2)`, id, day, now)
	return err
}

// complete turns a provisional candidate with address and settings into an active one.
func (s store) complete(ctx context.Context, id, kind string, now time.Time) (done bool, err error) {
	n, err := s.DB.Exec(ctx, `
		update candidates set state = 'active', updated_at = $3
		where id = $1 and state = 'provisional'
			and exists (select 1 from addresses a where a.candidate_id = $1 and a.kind = $2)
			and exists (select 1 from settings s where s.candidate_id = $1)`, id, kind, now)
	return n == 1, err
}

// ownerOf gives the candidate who has an active ID; fault.NotFound when nobody has.
func (s store) ownerOf(ctx context.Context, system System, issuer, value string) (id string, err error) {
	err = s.DB.Row(ctx, `
		select candidate_id from external_ids
		where system = $1 and issuer = $2 and value = $3 and state = 'active'`,
		db.Args(string(system), issuer, value), &id)
	return id, err
}

const insertExternalID = `
	insert into external_ids (id, candidate_id, system, issuer, value, state, linked_by, linked_at)
	values ($1, $2, $3, $4, $5, 'active', $6, $7)`

// link ties an ID to a candidate; fault.Conflict when it has an owner already.
func (s store) link(ctx context.Context, candidateID string, x ExternalID, now time.Time) error {
	_, err := s.DB.Exec(ctx, insertExternalID,
		secret.NewID(), candidateID, string(x.System), x.Issuer, x.Value, x.LinkedBy, now)
	return err
}

// linkIfFree is link for values that can be chosen again: a taken one gives false and
// leaves the transaction whole.
func (s store) linkIfFree(ctx context.Context, candidateID string, x ExternalID, now time.Time) (bool, error) {
	n, err := s.DB.Exec(ctx, insertExternalID+` on conflict do nothing`,
		secret.NewID(), candidateID, string(x.System), x.Issuer, x.Value, x.LinkedBy, now)
	return n == 1, err
}

func (s store) externalIDs(ctx context.Context, candidateID string) (ExternalIDs, error) {
	return db.Collect(ctx, s.DB, `
		select id, candidate_id, system, issuer, value, linked_by, linked_at from external_ids
		where candidate_id = $1 and state = 'active' order by system`, db.Args(candidateID),
		func(scan db.Scan) (x ExternalID, err error) {
			return x, scan(&x.ID, &x.CandidateID, &x.System, &x.Issuer, &x.Value, &x.LinkedBy, &x.LinkedAt)
		})
}

// one runs a statement that must touch one row.
func (s store) one(ctx context.Context, query string, args ...any) error {
	n, err := s.DB.Exec(ctx, query, args...)
	if err == nil && n == 0 {
		return fault.New(fault.NotFound, "", "candidate.unknown")
	}
	return err
}
