package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"tegata/idp/accounts"
	idptest "tegata/idp/app/apptest"
	"tegata/shared/clock"
	"tegata/shared/db/dbtest"
	"tegata/shared/limit"
	"tegata/shared/program/programtest"
	trackertest "tegata/tracker/app/apptest"
)

// The people of these tests; both are of testdata/people.yaml.
const (
	victim, victimPassword     = "maya.lindqvist@example.com", "brisk Walnut, 4 kites"
	attacker, attackerPassword = "connor.oneil@example.org", "Copper-lantern-19"
	stranger                   = "nobody.knows@example.org"
)

// moreClients stand beside the tracker: two of the house with a secret, a native one
// without, and one that belongs to the attacker.
const moreClients = `
  - client_id: shop
    client_name: {en: The Shop}
    redirect_uris: ["https://rp.test/cb", "https://rp.test/other"]
    post_logout_redirect_uris: ["https://rp.test/bye"]
    initiate_login_uri: https://rp.test/start
    client_secret_digests: [%[1]s]
    grant_types: [authorization_code, refresh_token]
    scopes: [openid, profile, email, offline_access]
    first_party: true
  - client_id: library
    client_name: {en: The Library}
    redirect_uris: ["https://library.test/cb"]
    post_logout_redirect_uris: ["https://library.test/bye"]
    client_secret_digests: [%[1]s]
    require_pkce: true
    first_party: true
  - client_id: phone
    client_name: {en: The Phone}
    application_type: native
    redirect_uris: ["http://127.0.0.1/cb"]
    token_endpoint_auth_method: none
  - client_id: rival
    client_name: {en: The Shop}
    redirect_uris: ["https://evil.test/cb"]
    post_logout_redirect_uris: ["https://evil.test/bye"]
    client_secret_digests: [%[1]s]
`

const clientSecret = "a-secret-of-both-clients-that-is-long-enough"

// siege is both programs under attack, with everything they log.
type siege struct {
	*world
	t       testing.TB
	journal *journal
}

// besiege starts both programs; kind is "sqlite" or "postgres". The limits are wide,
// but for tests that ask for the real ones.
func besiege(t testing.TB, kind string, rules ...accounts.Rules) *siege {
	t.Helper()
	s := &siege{world: &world{Clock: clock.Hold(programtest.Began)}, t: t, journal: &journal{}}
	provider, tracker := programtest.Listen(t), programtest.Listen(t)
	digest := sha256.Sum256([]byte(clientSecret))
	limits := wide()
	if len(rules) > 0 {
		limits = rules[0]
	}
	s.IDP = idptest.Start(t, idptest.Options{
		Database: dbtest.URL(t, kind), Clock: s.Clock, Listener: provider, Log: s.journal.log(), Rules: &limits,
		Clients: clients(t, "http://localhost:"+programtest.Port(tracker)) + fmt.Sprintf(moreClients, hex.EncodeToString(digest[:])),
	})
	s.Tracker = trackertest.Start(t, trackertest.Options{
		DatabaseURL: dbtest.URL(t, kind), Clock: s.Clock, Listener: tracker, Log: s.journal.log(), Issuer: s.IDP.URL,
	})
	return s
}

// wide are limits that no test reaches by accident.
func wide() accounts.Rules {
	much := func(name string) limit.Rule { return limit.Rule{Name: name, Burst: 100_000, Every: time.Millisecond} }
	return accounts.Rules{
		SignUpPlace: much("a"), MailAddress: much("b"), SignUpAddress: much("c"), Resend: much("d"), ResendPlace: much("e"),
		CodeAddress: much("f"), CodePlace: much("g"), GuessPair: much("h"), GuessAddress: much("i"), GuessPlace: much("j"),
	}
}

// journal keeps what the programs log, at every level.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) log() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// race lets n do the same at once and counts those that won.
func race(n int, do func() bool) int {
	var ready, all sync.WaitGroup
	var mu sync.Mutex
	won, gate := 0, make(chan struct{})
	for range n {
		ready.Add(1)
		all.Go(func() {
			ready.Done()
			<-gate
			if do() {
				mu.Lock()
				won++
				mu.Unlock()
			}
		})
	}
	ready.Wait()
	close(gate)
	all.Wait()
	return won
}

// kinds are the databases that every promise is kept on.
var kinds = []string{dbtest.KindSQLite, dbtest.KindPostgres}
