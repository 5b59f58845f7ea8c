package grants

import (
	"strings"

	"tegata/idp/accounts"
	"tegata/idp/connections"
	"tegata/idp/oidc/object"
)

// grantColumns and grantFrom read a grant with everything it hangs on: its client, its
// session, and the grant that it was exchanged from with the client of that. They are
// looked at here, so that ending one, for whatever reason, ends the tokens at once. No
// reference ties a grant to its client: a client that was made again under the id of
// another one is not the same, as created_at tells.
var grantColumns = `
		select g.id, g.client_id, g.scopes, g.offline, g.session, g.created_at, g.expires_at,
			g.ended_at is not null or c.disabled
				or not g.offline and (s.id is null or s.ended_at is not null or case when s.let_go then not ` + connections.LetIn("g") + ` else false end)
				or case when g.root_id is null then false else r.id is null or r.ended_at is not null
					or not exists (select 1 from clients f where f.id = r.client_id and f.created_at = r.registered and not f.disabled)
					or not r.offline and exists (select 1 from sessions rs where rs.id = r.session_id and rs.let_go)
						and not ` + connections.LetIn("r") + ` end,
			r.id, a.state = 'active' and a.deleted_at is null, g.account_id, g.session_id`

const (
	grantFrom = `
		from grants g
		join clients c on c.id = g.client_id and c.created_at = g.registered
		join accounts a on a.id = g.account_id
		left join sessions s on s.id = g.session_id
		left join grants r on r.id = g.root_id`
	allowedFrom = `
		left join consents o on o.account_id = g.account_id and o.client_id = g.client_id`
)

// Statements are texts that never change: they are prepared once.
var (
	accessQuery           = grantColumns + endedColumn + grantFrom + byAccess
	accessAndAllowedQuery = grantColumns + endedColumn + ", o.scopes" + grantFrom + allowedFrom + byAccess
	accessAndAccountQuery = grantColumns + endedColumn + ", " + accounts.Columns + grantFrom + byAccess
	refreshQuery          = grantColumns + `,
			g.turn, g.family, g.refresh_digest, g.refresh_before, g.refresh_cnf, g.refresh_until, g.turned_at, o.scopes` +
		grantFrom + allowedFrom + `
		where g.id = $1`
	byIDQuery = grantColumns + grantFrom + `
		where g.id = $1 and g.client_id = $2 and g.root_id is null`
)

// An access token that was revoked by itself has a row that says so.
const (
	endedColumn = ", e.id is not null"
	byAccess    = `
		left join ended_tokens e on e.id = $2
		where g.id = $1`
)

// row is what grantColumns gives.
type row struct {
	Token
	scopes         string
	about          []byte
	root, allowed  *string
	accountID, sid string
	active         bool
	looked         bool // for what the person allowed, too
}

// dest is where grantColumns go, and after them more.
func (r *row) dest(more ...any) []any {
	return append(append(make([]any, 0, 12+len(more)),
		&r.Grant, &r.Client, &r.scopes, &r.Offline, &r.about, &r.BeganAt, &r.keptUntil, &r.Over,
		&r.root, &r.active, &r.accountID, &r.sid,
	), more...)
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
