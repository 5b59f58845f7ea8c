package grants

import (
	"context"
	"strings"

	"tegata/idp/accounts"
	"tegata/idp/connections"
	"tegata/idp/oidc/object"
	"tegata/shared/db"
)

// grantColumns and grantFrom read a grant with what it hangs on: its client, its person
// and its session. They are looked at here, so that ending one, for whatever reason, ends
// the tokens at once. No reference ties a grant to its client: a client that was made again
// under the id of another one is not the same, as created_at tells.
const (
	grantColumns = `
		select g.client_id, g.scopes, g.offline, g.session, g.created_at, g.expires_at,
			g.ended_at is not null or c.disabled or not g.offline and (s.id is null or s.ended_at is not null),
			g.root_id, coalesce(s.let_go, false), a.state = 'active' and a.deleted_at is null, g.account_id, g.session_id`
	grantFrom = `
		from grants g
		join clients c on c.id = g.client_id and c.created_at = g.registered
		join accounts a on a.id = g.account_id
		left join sessions s on s.id = g.session_id`
	allowedFrom = `
		left join consents o on o.account_id = g.account_id and o.client_id = g.client_id`
)

// Statements are texts that never change: they are prepared once.
var (
	accessQuery           = grantColumns + endedColumn + grantFrom + byAccess
	accessAndAllowedQuery = grantColumns + endedColumn + ", o.scopes" + grantFrom + allowedFrom + byAccess
	accessAndAccountQuery = grantColumns + endedColumn + ", " + accounts.ToldColumns + grantFrom + byAccess
	refreshQuery          = grantColumns + `,
			g.turn, g.family, g.refresh_digest, g.refresh_before, g.refresh_cnf, g.refresh_until, g.turned_at, o.scopes` +
		grantFrom + allowedFrom + `
		where g.id = $1`
	byIDQuery = grantColumns + grantFrom + `
		where g.id = $1 and g.client_id = $2 and g.root_id is null`
)

// Few grants hang on more: on the row by which a session that has let go of some client
// lets in this one, and on the grant they were exchanged from with all of that. Whether
// such a grant is over costs PostgreSQL as much again as all the others together, so it is
// asked by itself, and with it for the access tokens that one was exchanged from: it ends
// with the first of them that is revoked. $2 to $5 are these, or nothing. Those that were
// exchanged themselves have grants under the same ids, with which it ends as well.
var overQuery = `
		select coalesce(exists (select 1 from ended_tokens where id in ($2, $3, $4, $5)) or not g.offline and s.let_go and not ` + connections.LetIn("g") + `
			or g.root_id is not null and (r.id is null or ` + endedFrom("r") + `)
			or exists (select 1 from grants b where b.id in ($2, $3, $4, $5) and (` + endedFrom("b") + `)), true)
		from grants g
		left join sessions s on s.id = g.session_id
		left join grants r on r.id = g.root_id
		where g.id = $1`

// endedFrom is the condition that a grant which another one hangs on is over: by itself, with
// its client, or since its session has let go of that. grant names the row.
func endedFrom(grant string) string {
	return grant + `.ended_at is not null
				or not exists (select 1 from clients f
					where f.id = ` + grant + `.client_id and f.created_at = ` + grant + `.registered and not f.disabled)
				or not ` + grant + `.offline and exists (select 1 from sessions w where w.id = ` + grant + `.session_id and w.let_go)
					and not ` + connections.LetIn(grant)
}

// An access token that was revoked by itself has a row that says so.
const (
	endedColumn = ", e.id is not null"
	byAccess    = `
		left join ended_tokens e on e.id = $2
		where g.id = $1`
)

// row is what grantColumns gives of the Grant that is asked for.
type row struct {
	Token
	scopes         string
	about          []byte
	root, allowed  *string
	accountID, sid string
	letGo          bool // the session, of some client
	active         bool
	looked         bool // for what the person allowed, too
}

// dest is where grantColumns go, and after them more.
func (r *row) dest(more ...any) []any {
	return append(append(make([]any, 0, 12+len(more)),
		&r.Client, &r.scopes, &r.Offline, &r.about, &r.BeganAt, &r.keptUntil,
		&r.Over, &r.root, &r.letGo, &r.active, &r.accountID, &r.sid,
	), more...)
}

// hangsOnMore tells whether overQuery has to say if the grant is over.
func (r *row) hangsOnMore() bool { return !r.Over && (r.root != nil || r.letGo && !r.Offline) }

// find reads the row by a query that may give more columns.
func (s Store) find(ctx context.Context, r *row, query string, args []any, more ...any) (Token, error) {
	if err := s.DB.Row(ctx, query, args, r.dest(more...)...); err != nil {
		return Token{}, err
	}
	found, err := r.read()
	if err == nil && r.hangsOnMore() {
		from := fromOf(r.LogIn)
		err = s.DB.Row(ctx, overQuery, db.Args(r.Grant, from[0], from[1], from[2], from[3]), &found.Over)
	}
	return found, err
}

// fromOf gives the access tokens that a log-in was exchanged from, and nothing in the
// places that are left: a statement has as many arguments each time.
func fromOf(l LogIn) (from [MaxFrom]string) {
	copy(from[:], l.From)
	return from
}

// read gives the grant as a token of which the rest is still missing: what is its own.
func (r *row) read() (Token, error) {
	r.Scopes = strings.Fields(r.scopes)
	if r.root != nil {
		r.Root = *r.root
	}
	r.Person = &Person{Active: r.active, Looked: r.looked}
	if r.allowed != nil {
		r.Person.Asked, r.Person.Allowed = true, strings.Fields(*r.allowed)
	}
	err := object.Unmarshal(r.about, &r.LogIn)
	r.LogIn.AccountID, r.LogIn.SID = r.accountID, r.sid
	return r.Token, err
}
