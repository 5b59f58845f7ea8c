package app_test

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"tegata/idp/app"
	"tegata/idp/clients"
	"tegata/idp/connections"
	"tegata/idp/sessions"
	"tegata/keys"
	"tegata/shared/db/dbtest"
)

// takersFile registers, beside clients that take EdDSA alone, one client for each kind of
// thing that is signed.
func takersFile() string {
	sum := sha256.Sum256([]byte("a-secret-of-256-random-bits"))
	var text strings.Builder
	text.WriteString("clients:\n")
	for _, c := range [][]string{
		{"plain"},
		{"identity", "id_token_signed_response_alg: ES256"},
		{"farewell", "id_token_signed_response_alg: ES256", "backchannel_logout_uri: https://farewell.test/bye"},
		{"userinfo", "userinfo_signed_response_alg: ES256"},
		{"introspects", "introspection_signed_response_alg: ES256"},
		{"answers", "authorization_signed_response_alg: ES256"},
		{"jwtat", "access_token_format: jwt"},
		{"caller", "resources: [https://orders.test/]"},
		{"opaque", "resources: [https://parts.test/]"},
		{"machine", "access_token_format: jwt", "grant_types: [client_credentials]"},
		{"orders-api", "grant_types: [client_credentials]"},
		{"parts-api", "grant_types: [client_credentials]"},
	} {
		text.WriteString("  - client_id: " + c[0] + "\n    client_name: {en: " + c[0] + "}\n" +
			"    token_endpoint_auth_method: client_secret_basic\n    client_secret_digests: [" + hex.EncodeToString(sum[:]) + "]\n" +
			"    redirect_uris: [https://" + c[0] + ".test/callback]\n")
		for _, line := range c[1:] {
			text.WriteString("    " + line + "\n")
		}
		if !strings.Contains(strings.Join(c, "\n"), "id_token_signed_response_alg") {
			text.WriteString("    id_token_signed_response_alg: EdDSA\n")
		}
	}
	text.WriteString(`resources:
  - {identifier: "https://orders.test/", scopes: [orders.read], token_format: jwt, client_id: orders-api}
  - {identifier: "https://parts.test/", scopes: [parts.read], client_id: parts-api}
`)
	return text.String()
}

// takersOfES256 is what those of takersFile take, and whether something of theirs ends.
var takersOfES256 = []struct {
	id, takes string
	holds     bool
}{
	{"answers", "authorization answers", true},
	{"caller", "access tokens", true},
	{"farewell", "ID tokens, logout tokens", true},
	{"identity", "ID tokens", true},
	{"introspects", "introspection", true},
	{"jwtat", "access tokens", true},
	{"machine", "access tokens", true},
	{"orders-api", "access tokens of others", false},
	{"userinfo", "userinfo", true},
}

// The gate asks whoever checks anything that is signed with the algorithm, and nobody else.
func TestEveryKindOfThingThatIsSignedHasItsReaders(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url string) {
		s := opened(t, url, takersFile())
		got, err := s.Keys.Readers(t.Context(), "ES256")
		if err != nil || len(got) != len(takersOfES256) {
			t.Fatalf("%+v %v, want %d", got, err, len(takersOfES256))
		}
		for i, want := range takersOfES256 {
			if got[i].ID != want.id || strings.Join(got[i].Takes, ", ") != want.takes {
				t.Errorf("%s takes %v, want %s: %s", got[i].ID, got[i].Takes, want.id, want.takes)
			}
		}
		for alg, want := range map[string][]string{"RS256": nil, "PS256": nil} {
			if got, err := s.Keys.Readers(t.Context(), alg); err != nil || len(got) != len(want) {
				t.Errorf("%s: %+v %v, want nobody: these are what a client gets that asks, and none did", alg, got, err)
			}
		}
		for _, one := range takersOfES256 {
			signIn(t, s, one.id, s.Clock())
		}
		done, err := s.Keys.Promote(t.Context(), keys.Promotion{Alg: "ES256", Dry: true, Force: true})
		if missing := done.Evidence.Missing(); err != nil || len(missing) != len(takersOfES256) {
			t.Errorf("missing %+v %v, want all %d", missing, err, len(takersOfES256))
		}
	})
}

// What a client asked for that had registered nothing is known from its last requests.
func TestAnswersThatAreSignedByDefaultMakeAReader(t *testing.T) { // RFC 9701 §6, JARM §3
	dbtest.EachURL(t, func(t *testing.T, url string) {
		s := opened(t, url, takersFile())
		signed := map[string]string{clients.DetailSigned: "RS256"}
		for _, r := range []clients.Request{
			{ClientID: "plain", Endpoint: "authorize", Outcome: "ok", Details: signed},
			{ClientID: "parts-api", Endpoint: "introspect", Outcome: "ok", Details: signed},
			{ClientID: "opaque", Endpoint: "authorize", Outcome: "ok"},
			{ClientID: "opaque", Endpoint: "authorize", Outcome: "invalid_request", Details: signed},
			{ClientID: "caller", Endpoint: "authorize", Outcome: "ok", Details: map[string]string{"given": `","signed":"RS256"`}},
		} {
			s.Diary.Note(r)
		}
		if err := s.Diary.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, err := s.Keys.Readers(t.Context(), "RS256")
		if err != nil || len(got) != 2 || got[0].ID != "parts-api" || got[0].Takes[0] != "introspection" ||
			got[1].ID != "plain" || got[1].Takes[0] != "authorization answers" {
			t.Errorf("%+v %v, want the two that got signed answers", got, err)
		}
	})
}

// alive tells whether a grant of the client is.
func alive(t *testing.T, s *app.Services, client string) bool {
	t.Helper()
	var n int
	if err := s.DB.Row(t.Context(), `select count(*) from grants where client_id = $1 and ended_at is null`, []any{client}, &n); err != nil {
		t.Fatal(err)
	}
	return n > 0
}

func damageOf(t *testing.T, d keys.Damage, id string) keys.ClientDamage {
	t.Helper()
	i := slices.IndexFunc(d.Clients, func(c keys.ClientDamage) bool { return c.ID == id })
	if i < 0 {
		t.Errorf("%s is not named in %+v", id, d.Clients)
		return keys.ClientDamage{}
	}
	return d.Clients[i]
}

// A grant carries the refresh token: when it has ended, that is over as well.
func TestARevokedKeyEndsWhatEveryKindOfReaderHolds(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url string) {
		s := opened(t, url, takersFile())
		for _, id := range []string{"plain", "opaque", "parts-api"} {
			signIn(t, s, id, s.Clock())
		}
		for _, one := range takersOfES256 {
			signIn(t, s, one.id, s.Clock())
		}
		all, err := s.Keys.List(t.Context())
		if err != nil || all[0].Alg != "ES256" {
			t.Fatal(all, err)
		}
		before, err := s.Keys.Damage(t.Context(), all[0])
		if err != nil {
			t.Fatal(err)
		}
		done, err := s.Keys.Revoke(t.Context(), keys.Revocation{KID: all[0].KID})
		if err != nil {
			t.Fatal(err)
		}
		if before.String() != done.Ended.String() || before.String() != "8 sessions, 8 grants, 8 clients; 1 client only believes the key" {
			t.Errorf("announced %s, ended %s", before, done.Ended)
		}
		for _, want := range takersOfES256 {
			for _, d := range []keys.Damage{before, done.Ended} {
				got, grants := damageOf(t, d, want.id), 0
				if want.holds {
					grants = 1
				}
				if got.Grants != grants || strings.Join(got.Takes, ", ") != want.takes {
					t.Errorf("%s: %+v, want %d grants and %s", want.id, got, grants, want.takes)
				}
			}
			if alive(t, s, want.id) == want.holds {
				t.Errorf("%s holds something: %v, but its grant goes on: %v", want.id, want.holds, !want.holds)
			}
		}
		for _, id := range []string{"plain", "opaque", "parts-api"} {
			if !alive(t, s, id) {
				t.Errorf("%s takes nothing of ES256, and its grant ended", id)
			}
		}
	})
}

// Clients that share a session with one that is affected are logged out too: the blast
// radius says so as the receipt does.
func TestTheBlastRadiusNamesWhoSharesASession(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url string) {
		s := opened(t, url, strings.Replace(takersFile(), "https://plain.test/callback]", "https://plain.test/callback]\n    backchannel_logout_uri: https://plain.test/bye", 1))
		one, err := s.Sessions.ByToken(t.Context(), signIn(t, s, "identity", s.Clock()))
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"identity", "plain", "opaque"} {
			letIn(t, s, one, id)
		}
		all, err := s.Keys.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		before, err := s.Keys.Damage(t.Context(), all[0])
		if err != nil {
			t.Fatal(err)
		}
		done, err := s.Keys.Revoke(t.Context(), keys.Revocation{KID: all[0].KID})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range []keys.Damage{before, done.Ended} {
			if d.String() != "1 session, 1 grant, 3 clients" {
				t.Errorf("%s, want 1 session, 1 grant, 3 clients", d)
			}
			if got := damageOf(t, d, "plain"); got.Sessions != 1 || got.Grants != 0 || got.Queued != 1 || len(got.Takes) != 0 {
				t.Errorf("%+v, want one session and one log-out", got)
			}
			if got := damageOf(t, d, "opaque"); got.Sessions != 1 || got.Queued != 0 {
				t.Errorf("%+v, want one session and no log-out", got)
			}
		}
	})
}

func letIn(t *testing.T, s *app.Services, one sessions.Session, client string) {
	t.Helper()
	use := connections.Use{SessionID: one.ID, ClientID: client, AccountID: one.AccountID, Subject: "sub", AskedAt: s.Clock()}
	if err := connections.Note(t.Context(), s.DB, use, s.Clock().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
}
