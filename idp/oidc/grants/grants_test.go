package grants_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tegata/idp/clients"
	"tegata/idp/oidc/grants"
	"tegata/idp/oidc/tokens"
	"tegata/idp/schema"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/fault"
	"tegata/shared/secret"
)

const (
	minute = time.Minute
	day    = 24 * time.Hour
)

// world is a person with a session and a client, at a moment.
type world struct {
	*testing.T
	grants.Store
	now  time.Time
	seal *secret.Sealer
}

func on(t *testing.T, d *db.DB) *world {
	w := &world{T: t, Store: grants.Store{DB: d}, now: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)}
	var err error
	if w.seal, err = secret.NewSealer(secret.Bytes(32)); err != nil {
		t.Fatal(err)
	}
	w.exec(`insert into accounts (id, subject, email, given_name, family_name, nickname, country, language, zone, state, activation_id, created_at, updated_at)
		values ('person', 'sub', 'a@example.org', '', '', '', 'JP', 'ja', 'Asia/Tokyo', 'active', '', $1, $1)`, w.now)
	w.exec(`insert into sessions (id, digest, account_id, auth_time, amr, acr, place, agent, created_at, last_seen_at, expires_at)
		values ('sid', $2, 'person', $1, 'pwd', '', '', '', $1, $1, $1)`, w.now, []byte("digest"))
	w.exec(`insert into clients (id, source, record, disabled, created_at, updated_at) values ('client', 'test', '{}', $2, $1, $1)`, w.now, false)
	return w
}

func (w *world) exec(statement string, args ...any) {
	w.Helper()
	if _, err := w.DB.Exec(w.Context(), statement, args...); err != nil {
		w.Fatal(err)
	}
}

// grant is one of the client with a refresh token.
func (w *world) grant(id string) grants.Grant {
	first := grants.FirstRefresh(id)
	return grants.Grant{
		ID: id, Client: "client", Registered: w.now, Scopes: []string{"openid", "offline_access"}, Offline: true,
		LogIn:     &grants.LogIn{AccountID: "person", Subject: "sub", SID: "sid", AuthTime: w.now, Nonce: "n", DPoPKey: "k", AMR: []string{"pwd"}},
		ExpiresAt: w.now.Add(30 * day), Refresh: &first, Until: w.now.Add(30 * day), Bound: tokens.Confirmation{JKT: "key"},
	}
}

func (w *world) insert(g grants.Grant) string {
	w.Helper()
	if err := w.Insert(w.Context(), g, w.now); err != nil {
		w.Fatal(err)
	}
	return g.Refresh.String()
}

func (w *world) find(token string) grants.Token {
	w.Helper()
	found, err := w.Refresh(w.Context(), token)
	if err != nil {
		w.Fatal(err)
	}
	return found
}

// rotate puts the next refresh token in the place of the one that came.
func (w *world) rotate(came string) (next string, err error) {
	w.Helper()
	found := w.find(came)
	follows := found.Next(w.seal)
	until := w.now.Add(30 * day)
	return follows.String(), w.Renew(w.Context(), grants.Renewal{Came: &found, Next: &follows, Until: until, ExpiresAt: until}, w.now)
}

var rules = clients.Refreshing{Idle: 30 * day, Lifetime: 180 * day, Grace: 10 * time.Second}

func (w *world) stands(token string, want grants.Standing) {
	w.Helper()
	found := w.find(token)
	if got := found.Standing(rules, w.seal, w.now); got != want {
		w.Errorf("the token stands as %v, want %v", got, want)
	}
}

func TestACodeHasOneGrant(t *testing.T) { // RFC 6749 §4.1.2
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := on(t, d)
		var won atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				switch err := w.Insert(t.Context(), w.grant("one"), w.now); {
				case err == nil:
					won.Add(1)
				case !fault.Is(err, fault.Conflict):
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Errorf("%d have redeemed it", won.Load())
		}
		if burnt, err := w.Burn(t.Context(), w.grant("one"), w.now); err != nil || burnt {
			t.Errorf("one that was redeemed is burnt: %v, %v", burnt, err)
		}
		if burnt, err := w.Burn(t.Context(), w.grant("two"), w.now); err != nil || !burnt {
			t.Errorf("one that nobody redeemed is not burnt: %v, %v", burnt, err)
		}
		if err := w.Insert(t.Context(), w.grant("two"), w.now); !fault.Is(err, fault.Conflict) {
			t.Errorf("one that was burnt: %v", err)
		}
	})
}

func TestAGrantIsReadAsItWasWritten(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := on(t, d)
		found := w.find(w.insert(w.grant(secret.NewID())))
		if l := found.LogIn; l.AccountID != "person" || l.SID != "sid" || l.Subject != "sub" || !l.AuthTime.Equal(w.now) || len(l.AMR) != 1 {
			t.Errorf("log-in %+v", l)
		}
		if l := found.LogIn; l.Nonce != "" || l.DPoPKey != "" {
			t.Errorf("what was the code's stays: %+v", l)
		}
		if found.Kind != grants.Refresh || found.Client != "client" || fmt.Sprint(found.Scopes) != "[openid offline_access]" || !found.Offline ||
			found.Bound.JKT != "key" || !found.BeganAt.Equal(w.now) || !found.ExpiresAt.Equal(w.now.Add(30*day)) || !found.Usable(w.now) {
			t.Errorf("token %+v", found)
		}
		access, err := w.Access(t.Context(), grants.AccessToken{ID: "access", Grant: found.Grant, Issued: w.now.UnixMicro(), Expires: w.now.Add(minute).UnixMicro()})
		if err != nil || access.Kind != grants.Access || access.ID != "access" || !access.Usable(w.now) || access.Usable(w.now.Add(minute)) || access.Bound.Bound() {
			t.Errorf("access token %+v, %v", access, err)
		}
	})
}

func TestWhatAGrantRestsOn(t *testing.T) {
	for name, statement := range map[string]string{
		"the session is over":                   `update sessions set ended_at = 1`,
		"the account may not log in":            `update accounts set state = 'disabled'`,
		"the account is deleted":                `update accounts set deleted_at = 1`,
		"the client is another one by now":      `update clients set created_at = created_at + 1`,
		"the person has withdrawn it meanwhile": `insert into connections values ('person', 'client', '', 1, 1, 9000000000000000)`,
	} {
		w := on(t, dbtest.SQLite(t, schema.FS))
		w.exec(statement)
		for _, offline := range []bool{true, false} {
			g := w.grant("one")
			g.Offline = offline
			if err := w.Insert(t.Context(), g, w.now); !fault.Is(err, fault.Expired) {
				t.Errorf("%s, offline %v: %v", name, offline, err)
			}
		}
	}
}

func TestATokenEndsWithItsGrantOrByItself(t *testing.T) { // RFC 7009 §2.1
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := on(t, d)
		refresh := w.insert(w.grant(secret.NewID()))
		id := w.find(refresh).Grant
		over := func(token string) bool {
			got, err := w.Access(t.Context(), grants.AccessToken{ID: token, Grant: id, Expires: w.now.Add(minute).UnixMicro()})
			if err != nil {
				t.Fatal(err)
			}
			return !got.Usable(w.now)
		}
		if err := w.EndAccess(t.Context(), "a", w.now.Add(minute)); err != nil {
			t.Fatal(err)
		}
		if !over("a") || over("b") {
			t.Error("one access token was ended, and it goes on, or another one is over")
		}
		if ended, err := w.End(t.Context(), id, w.now); err != nil || !ended {
			t.Errorf("ended %v, %v", ended, err)
		}
		if ended, err := w.End(t.Context(), id, w.now); err != nil || ended {
			t.Errorf("ended a second time: %v, %v", ended, err)
		}
		if !over("b") {
			t.Error("an access token outlives its grant")
		}
		w.stands(refresh, grants.Spent)
		if _, err := w.rotate(refresh); !errors.Is(err, grants.ErrOutrun) {
			t.Errorf("a grant that is over gives another token: %v", err)
		}
	})
}

func TestAFamilyHasOneTokenAndItsForerunnerMayComeAgain(t *testing.T) { // RFC 9700 §4.14.2
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := on(t, d)
		first := w.insert(w.grant(secret.NewID()))
		w.stands(first, grants.Live)
		second, err := w.rotate(first)
		if err != nil {
			t.Fatal(err)
		}
		w.stands(first, grants.Repeated)
		w.stands(second, grants.Live)
		if again, err := w.rotate(first); again != second || !errors.Is(err, grants.ErrOutrun) {
			t.Errorf("the one before leads to %s, %v, want %s and no turn", again, err, second)
		}
		seal := w.seal
		if w.seal, err = secret.NewSealer(secret.Bytes(32)); err != nil {
			t.Fatal(err)
		}
		w.stands(first, grants.Unrepeatable)
		w.seal = seal
		w.now = w.now.Add(rules.Grace)
		w.stands(first, grants.Spent)
		w.now = w.now.Add(-rules.Grace)
		third, err := w.rotate(second)
		if err != nil {
			t.Fatal(err)
		}
		w.stands(first, grants.Spent) // what took its place was used
		w.stands(second, grants.Repeated)
		w.now = w.now.Add(30 * day)
		w.stands(third, grants.Spent)
		w.now = w.now.Add(150 * day)
		w.stands(third, grants.Aged)
		if _, err := w.Refresh(t.Context(), grants.FirstRefresh(w.find(third).Grant).String()); !fault.Is(err, fault.NotFound) {
			t.Errorf("a token of another family is known: %v", err)
		}
	})
}

func TestARefreshTokenThatStaysIsProlonged(t *testing.T) { // FAPI 2.0 §5.3.2.1
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := on(t, d)
		token := w.insert(w.grant(secret.NewID()))
		found := w.find(token)
		w.now = w.now.Add(minute)
		renewal := grants.Renewal{Came: &found, Until: w.now.Add(30 * day), ExpiresAt: w.now.Add(minute)}
		if err := w.Renew(t.Context(), renewal, w.now); err != nil {
			t.Fatal(err)
		}
		if got := w.find(token); !got.ExpiresAt.Equal(renewal.Until) || !got.Usable(w.now) {
			t.Errorf("it ends %v, want %v", got.ExpiresAt, renewal.Until)
		}
		if _, err := w.End(t.Context(), found.Grant, w.now); err != nil {
			t.Fatal(err)
		}
		if err := w.Renew(t.Context(), renewal, w.now); !fault.Is(err, fault.Expired) {
			t.Errorf("one that is over is prolonged: %v", err)
		}
	})
}

func TestAGrantIsSweptWhenItsLongestTokenIsOver(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := on(t, d)
		token := w.insert(w.grant(secret.NewID()))
		w.now = w.now.Add(minute)
		token, err := w.rotate(token) // and so the end of the grant moves
		if err != nil {
			t.Fatal(err)
		}
		if err := w.EndAccess(t.Context(), "a", w.now); err != nil {
			t.Fatal(err)
		}
		ended := func() (n int) {
			if err := w.DB.Row(t.Context(), `select count(*) from ended_tokens`, nil, &n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		for _, c := range []struct {
			before time.Time
			want   int64
			ended  int
		}{{w.now, 0, 1}, {w.now.Add(31*day - minute), 0, 0}, {w.now.Add(31*day + minute), 1, 0}} {
			if n, err := w.Sweep(t.Context(), c.before); err != nil || n != c.want || ended() != c.ended {
				t.Errorf("%v: swept %d, %v, %d ended tokens; want %d and %d", c.before, n, err, ended(), c.want, c.ended)
			}
		}
		if _, err := w.Refresh(t.Context(), token); !fault.Is(err, fault.NotFound) {
			t.Errorf("its token: %v", err)
		}
	})
}
