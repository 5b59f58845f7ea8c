package connections

import (
	"context"
	"slices"
	"strings"
	"time"

	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/fault"
)

// exact is how exact last_at is: many grants in a row cost one write.
const exact = time.Hour

// store keeps connections and the clients of sessions.
type store struct{ DB *db.DB }

// Noted is the condition, for a statement, that Note would find the use written down
// already. Its arguments are SQL expressions: asked is when the person was asked, and for
// since and scopes NotedBy gives the values. Whoever writes a grant that ends with its
// session under this condition needs neither Note nor a transaction, and holds no row: a
// withdrawal in the same moment deletes the membership that the grant hangs on, and so ends
// it.
func Noted(session, account, client, asked, since, scopes string) string {
	return `exists (
			select 1 from session_clients m where m.session_id = ` + session + ` and m.client_id = ` + client + `)
		and exists (
			select 1 from connections c where c.account_id = ` + account + ` and c.client_id = ` + client + `
			and (c.withdrawn_at is null or c.withdrawn_at < c.last_at and c.withdrawn_at < ` + asked + `)
			and c.last_at >= ` + since + ` and c.scopes = ` + scopes + `)`
}

// LetIn is the condition, for a statement, that the session of a grant still lets in its
// client, as it did when the grant was written; a withdrawal in between leaves it untrue, also
// when the client was let in again. grant names the row.
func LetIn(grant string) string {
	return `exists (
			select 1 from session_clients m where m.session_id = ` + grant + `.session_id
			and m.client_id = ` + grant + `.client_id and m.created_at <= ` + grant + `.created_at)`
}

// NotedBy gives what Noted compares with.
func (u Use) NotedBy(now time.Time) (since time.Time, scopes string) {
	return now.Add(-exact), strings.Join(u.Scopes, " ")
}

// insertMember tells whether the session had not let the client in before.
func (s store) insertMember(ctx context.Context, u Use, now time.Time) (first bool, err error) {
	n, err := s.DB.Exec(ctx, `
		insert into session_clients (session_id, client_id, subject, created_at) values ($1, $2, $3, $4)
		on conflict (session_id, client_id) do nothing`, u.SessionID, u.ClientID, u.Subject, now)
	return n == 1, err
}

// holdSession locks the session until the transaction ends: who ends it at the same
// moment either sees the new member or is seen here.
func (s store) holdSession(ctx context.Context, id string) (alive bool, err error) {
	n, err := s.DB.Exec(ctx, `update sessions set last_seen_at = last_seen_at where id = $1 and ended_at is null`, id)
	return n == 1, err
}

// use leaves a withdrawal alone that came after the person was asked. One that came before
// stays written down, for codes that are older: a connection that was used since is none
// that is withdrawn.
func (s store) use(ctx context.Context, u Use, now time.Time) error {
	since, scopes := u.NotedBy(now)
	_, err := s.DB.Exec(ctx, `
		insert into connections (account_id, client_id, scopes, first_at, last_at) values ($1, $2, $3, $4, $4)
		on conflict (account_id, client_id) do update
		set scopes = excluded.scopes, last_at = excluded.last_at
		where (connections.last_at < $5 or connections.scopes <> excluded.scopes or connections.withdrawn_at >= connections.last_at)
		and (connections.withdrawn_at is null or connections.withdrawn_at < $6)`,
		u.AccountID, u.ClientID, scopes, clock.Later(now, u.AskedAt), since, u.AskedAt)
	return err
}

// letGo forgets that sessions have let the client in, and gives those that go on. Grants
// that end with their session end with that: whoever reads one looks for the row that is
// deleted here, where a session says that there was one.
func (s store) letGo(ctx context.Context, accountID, clientID string, now time.Time) ([]Visit, error) {
	all, err := db.Collect(ctx, s.DB, `
		select m.session_id, m.client_id, m.subject, s.expires_at
		from session_clients m join sessions s on s.id = m.session_id
		where s.account_id = $1 and m.client_id = $2 and s.ended_at is null and s.expires_at > $3
		order by m.session_id`,
		db.Args(accountID, clientID, now), func(scan db.Scan) (v Visit, err error) {
			err = scan(&v.SessionID, &v.ClientID, &v.Subject, &v.ExpiresAt)
			return v, err
		})
	if err != nil {
		return nil, err
	}
	if _, err := s.DB.Exec(ctx, `
		update sessions set let_go = true where account_id = $1 and exists (
			select 1 from session_clients m where m.session_id = sessions.id and m.client_id = $2)`, accountID, clientID); err != nil {
		return nil, err
	}
	_, err = s.DB.Exec(ctx, `
		delete from session_clients
		where client_id = $2 and session_id in (select id from sessions where account_id = $1)`, accountID, clientID)
	return all, err
}

func (s store) members(ctx context.Context, sessionID string) ([]Member, error) {
	return db.Collect(ctx, s.DB, `select client_id, subject from session_clients where session_id = $1 order by client_id`,
		db.Args(sessionID), func(scan db.Scan) (m Member, err error) {
			err = scan(&m.ClientID, &m.Subject)
			return m, err
		})
}

// ofAccount joins what was used with what was allowed. A refresh counts as use.
func (s store) ofAccount(ctx context.Context, accountID string) ([]Connection, error) {
	used, err := db.Collect(ctx, s.DB, `
		select c.client_id, c.scopes, c.first_at, c.last_at,
			(select max(g.used_at) from grants g
				where g.account_id = c.account_id and g.client_id = c.client_id and g.offline)
		from connections c where c.account_id = $1 and (c.withdrawn_at is null or c.withdrawn_at < c.last_at)`, db.Args(accountID), scanUsed)
	if err != nil {
		return nil, err
	}
	allowed, err := db.Collect(ctx, s.DB, `
		select o.client_id, o.scopes, o.granted_at from consents o join clients c on c.id = o.client_id
		where o.account_id = $1`, db.Args(accountID), scanAllowed)
	if err != nil {
		return nil, err
	}
	all := join(used, allowed)
	slices.SortFunc(all, func(a, b Connection) int {
		if c := b.LastAt.Compare(a.LastAt); c != 0 {
			return c
		}
		return strings.Compare(a.ClientID, b.ClientID)
	})
	return all, nil
}

// ended tells whether the person ended the client's access and it has not been used since.
func (s store) ended(ctx context.Context, accountID, clientID string) (bool, error) {
	var n int
	err := s.DB.Row(ctx, `
		select count(*) from connections
		where account_id = $1 and client_id = $2 and withdrawn_at >= last_at`, db.Args(accountID, clientID), &n)
	return n == 1, err
}

func scanUsed(scan db.Scan) (c Connection, err error) {
	var scopes string
	var token *time.Time
	err = scan(&c.ClientID, &scopes, &c.FirstAt, &c.LastAt, &token)
	c.Scopes = strings.Fields(scopes)
	if token != nil && token.After(c.LastAt) {
		c.LastAt = *token
	}
	return c, err
}

func scanAllowed(scan db.Scan) (c Connection, err error) {
	var scopes string
	err = scan(&c.ClientID, &scopes, &c.FirstAt)
	c.Scopes = strings.Fields(scopes)
	return c, err
}

// join shows the scopes that were allowed, which are as many as those granted or more.
func join(used, allowed []Connection) []Connection {
	for _, a := range allowed {
		i := slices.IndexFunc(used, func(c Connection) bool { return c.ClientID == a.ClientID })
		if i < 0 {
			used = append(used, a)
			continue
		}
		used[i].Scopes = a.Scopes
		if a.FirstAt.Before(used[i].FirstAt) {
			used[i].FirstAt = a.FirstAt
		}
	}
	return used
}

// dropConsent gives what had been allowed, nil when nothing was.
func (s store) dropConsent(ctx context.Context, accountID, clientID string) (scopes []string, err error) {
	var text string
	err = s.DB.Row(ctx, `delete from consents where account_id = $1 and client_id = $2 returning scopes`,
		db.Args(accountID, clientID), &text)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return append([]string{}, strings.Fields(text)...), err
}

// withdraw tells whether there was a connection. The row stays, so that codes from
// before are known; a consent that was never used gets one for the same reason. It is never
// before the last use, which another node may have noted by another clock.
func (s store) withdraw(ctx context.Context, accountID, clientID string, scopes []string, now time.Time) (known bool, err error) {
	n, err := s.DB.Exec(ctx, `
		update connections set withdrawn_at = case when last_at > $3 then last_at else $3 end
		where account_id = $1 and client_id = $2 and (withdrawn_at is null or withdrawn_at < last_at)`,
		accountID, clientID, now)
	if err != nil || n == 1 || scopes == nil {
		return n == 1, err
	}
	_, err = s.DB.Exec(ctx, `
		insert into connections (account_id, client_id, scopes, first_at, last_at, withdrawn_at)
		select $1, id, '', $3, $3, $3 from clients where id = $2
		on conflict (account_id, client_id) do update set withdrawn_at = excluded.withdrawn_at`,
		accountID, clientID, now)
	return false, err
}

// endGrants ends those that outlive their session; letGo has ended the others.
func (s store) endGrants(ctx context.Context, accountID, clientID string, now time.Time) error {
	_, err := s.DB.Exec(ctx, `
		update grants set ended_at = $3 where account_id = $1 and client_id = $2 and offline and ended_at is null`,
		accountID, clientID, now)
	return err
}
