package oidc_test

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tegata/idp/clients"
	"tegata/idp/oidc"
	"tegata/idp/schema"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// learns is which claims about the person an ID token and userinfo tell together.
func (w *world) learns(tokens map[string]any) string {
	w.t.Helper()
	_, id := w.claims(tokens["id_token"])
	told := slices.Collect(maps.Keys(w.userinfo(tokens["access_token"]).json(w.t)))
	for name := range id {
		if !slices.Contains([]string{"iss", "sub", "aud", "exp", "iat", "jti", "auth_time", "nonce", "acr", "amr", "at_hash", "c_hash", "sid"}, name) {
			told = append(told, "id:"+name)
		}
	}
	slices.Sort(told)
	return strings.Join(told, " ")
}

// wantLearned fails unless the tokens are good for these claims and no others.
func (w *world) wantLearned(what string, tokens map[string]any, want string) {
	w.t.Helper()
	if got := w.learns(tokens); got != want {
		w.t.Errorf("%s: the client learns %q, want %q", what, got, want)
	}
}

// Who asks for claims one by one gets no more than its registration allows; what cannot be
// given is left out, essential or not. OIDC Core §5.4, §5.5.1.
func TestSingleClaimsNeedTheScopeThatCarriesThem(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		all := `claims={"userinfo":{"nickname":null,"email":{"essential":true},"sub":null},"id_token":{"email":{"essential":true},"given_name":null,"acr":null}}`
		for scopes, want := range map[string]string{
			"openid":                             "sub",
			"openid profile":                     "id:given_name nickname sub",
			"openid email":                       "email id:email sub",
			"openid email profile phone address": "email id:email id:given_name nickname sub",
		} {
			w.edit("tracker", func(c *clients.Client) { c.Scopes = strings.Fields(scopes) })
			got := w.tokens("tracker", "scope=openid", all)
			w.wantLearned("registered for "+scopes, got, want)
			if got["scope"] != "openid" {
				t.Errorf("registered for %s: scope %v", scopes, got["scope"])
			}
		}
		if got := w.asked(w.asks("/consent", "foreign", "scope=email", all)); got != "email" {
			t.Errorf("without openid the person is asked about %q, though nothing can be told", got)
		}
		w.edit("foreign", func(c *clients.Client) { c.Scopes = []string{"openid", "email"} })
		if got := w.asked(w.asks("/consent", "foreign", "scope=openid", all)); got != "openid email" {
			t.Errorf("the person is asked about %q, want what can be told", got)
		}
	})
}

// asked is which scopes the conversation asks the person about.
func (w *world) asked(id string) (scopes string) {
	w.t.Helper()
	must(w.t, w.db.Row(context.Background(), `select scopes from interactions where id = $1`, db.Args(id), &scopes))
	return scopes
}

// A claim that is asked for one by one counts for consent as its scope. OIDC Core §3.1.2.4.
func TestSingleClaimsNeedConsent(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		flow := func(changes ...string) map[string]any {
			w.consents(w.asks("/consent", "foreign", append(changes, "prompt=consent")...))
			return w.tokens("foreign", append(changes, "prompt=none")...)
		}
		w.wantLearned("openid alone", flow("scope=openid"), "sub")
		email := `claims={"userinfo":{"email":null}}`
		refused(t, "silently", w.authorize("foreign", "scope=openid", email, "prompt=none"), "consent_required")
		refused(t, "silently, in the ID token", w.authorize("foreign", "scope=openid", `claims={"id_token":{"email":null}}`, "prompt=none"), "consent_required")
		id := w.asks("/consent", "foreign", "scope=openid", email)
		if got := w.asked(id); got != "openid email" {
			t.Errorf("asked about %q", got)
		}
		w.consents(id)
		w.wantLearned("allowed", w.redeem("foreign", w.comesBack(id).sent(t).Get("code")).json(t), "email sub")
		w.wantLearned("remembered", w.tokens("foreign", "scope=openid", email, "prompt=none"), "email sub")
		refused(t, "another claim", w.authorize("foreign", "scope=openid", `claims={"userinfo":{"name":null}}`, "prompt=none"), "consent_required")
		used, err := w.connections().OfAccount(t.Context(), w.person.ID)
		if must(t, err); len(used) != 1 || fmt.Sprint(used[0].Scopes) != "[email openid]" {
			t.Errorf("connected applications %+v", used)
		}
		w.edit("foreign", func(c *clients.Client) { c.Unverified = true })
		w.asks("/consent", "foreign", "scope=openid", email)
		w.clock.Move(time.Second)
		w.withdraws("foreign")
		refused(t, "withdrawn", w.authorize("foreign", "scope=openid", email, "prompt=none"), "consent_required")
	})
}

// The list of applications tells of clients that need not ask, too.
func TestSingleClaimsOfAFirstPartyClientAreListed(t *testing.T) {
	w := start(t).logIn()
	w.tokens("tracker", "scope=openid", `claims={"id_token":{"email":null}}`)
	used, err := w.connections().OfAccount(t.Context(), w.person.ID)
	if must(t, err); len(used) != 1 || fmt.Sprint(used[0].Scopes) != "[openid email]" {
		t.Errorf("connected applications %+v", used)
	}
}

// Userinfo and refresh look again at what is allowed now.
func TestSingleClaimsEndWhenLessIsAllowed(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		w.edit("basic", func(c *clients.Client) { c.FirstParty = false })
		id := w.asks("/consent", "basic", "scope=openid offline_access", "prompt=consent", `claims={"userinfo":{"email":null},"id_token":{"name":null}}`)
		w.consents(id)
		got := ok(t, w.redeem("basic", w.comesBack(id).sent(t).Get("code")))
		w.wantLearned("at first", got, "email id:name sub")
		refreshed := func() map[string]any {
			got = ok(t, w.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got["refresh_token"].(string)}}, basicAuth("basic", basicSecret)))
			return got
		}
		w.wantLearned("refreshed", refreshed(), "email id:name sub")
		before := got["access_token"]
		w.exec(`update consents set scopes = 'offline_access openid profile' where client_id = 'basic'`)
		if told := w.userinfo(before).json(t); told["email"] != nil {
			t.Errorf("a token from before the consent shrank tells %v", told)
		}
		w.wantLearned("less consent", refreshed(), "id:name sub")
		w.exec(`update consents set scopes = 'email offline_access openid profile' where client_id = 'basic'`)
		w.wantLearned("more again", refreshed(), "email id:name sub")
		w.edit("basic", func(c *clients.Client) { c.Scopes = []string{"openid", "offline_access"} })
		w.wantLearned("less registered", refreshed(), "sub")
	})
}

// A client that writes its own registration gains nothing by doing so while the person
// reads what it wants.
func TestARegistrationThatGrowsDuringTheConsent(t *testing.T) { // RFC 7592 §2.2
	w := start(t).logIn()
	w.edit("foreign", func(c *clients.Client) { c.Scopes = []string{"openid"} })
	id := w.asks("/consent", "foreign", "scope=openid email", `claims={"userinfo":{"name":null}}`)
	w.edit("foreign", func(c *clients.Client) { c.Scopes = []string{"openid", "profile", "email"} })
	w.consents(id)
	got := ok(t, w.redeem("foreign", w.comesBack(id).sent(t).Get("code")))
	if w.wantLearned("what was shown", got, "sub"); got["scope"] != "openid" {
		t.Errorf("scope %v, want what the person was shown", got["scope"])
	}
}

// Nor does it gain the resource that it got together with one more scope. RFC 8707 §2.
func TestAResourceThatComesWithAScopeDuringTheConsent(t *testing.T) {
	w := start(t).logIn()
	services(t, w)
	w.edit("shop", func(c *clients.Client) { c.Scopes, c.Resources = []string{"openid"}, nil })
	id := w.asks("/consent", "shop", "scope=openid orders.read", "prompt=consent")
	w.edit("shop", func(c *clients.Client) { c.Scopes, c.Resources = []string{"openid", "orders.read"}, []string{orders} })
	w.consents(id)
	got := ok(t, w.ask("shop", clients.AuthorizationCode, "code="+w.comesBack(id).sent(t).Get("code"), "redirect_uri="+callback, "code_verifier="+verifier))
	if got["scope"] != "openid" {
		t.Errorf("scope %v, want what the person was shown", got["scope"])
	}
	if seen := ok(t, w.introspect("orders-api", got["access_token"])); seen["active"] != false {
		t.Errorf("the token is good at the resource: %v", seen)
	}
	ok(t, w.userinfo(got["access_token"]))
}

// The ID token that comes without an access token has no more. OIDC Core §5.4.
func TestSingleClaimsThroughTheBrowser(t *testing.T) {
	w := startWith(t, func(p *oidc.Provider) { p.ResponseTypes = []string{"id_token"} }).logIn()
	w.add(clients.Client{
		ID: "front", Name: map[string]string{"en": "x"}, RedirectURIs: []string{callback}, AuthMethod: clients.ClientSecretBasic, SecretDigests: digest(basicSecret),
		GrantTypes: []string{clients.AuthorizationCode, clients.Implicit}, ResponseTypes: []string{"code", "id_token"}, FirstParty: true,
		Scopes: []string{"openid", "email"}, IDTokenAlg: "RS256", ApplicationType: "web", SubjectType: "public", Source: "config",
	})
	got := w.authorize("front", "response_type=id_token", "scope=openid", `claims={"id_token":{"name":null,"email":null}}`)
	u, err := url.Parse(got.Header.Get("Location"))
	must(t, err)
	sent, err := url.ParseQuery(u.Fragment)
	must(t, err)
	if _, id := w.claims(sent.Get("id_token")); id["email"] == nil || id["name"] != nil || id["email_verified"] != nil {
		t.Errorf("ID token %v, want the address alone", id)
	}
}

// The client's developer is told what was left out.
func TestTheDiaryTellsOfClaimsLeftOut(t *testing.T) {
	w := start(t).logIn()
	w.provider.Diary = &clients.Diary{DB: w.db, Clock: w.provider.Clock, Log: w.provider.Log}
	w.authorize("basic", `claims={"userinfo":{"phone_number":null,"email":null},"id_token":{"phone_number":null,"address":null}}`)
	got := w.diary("basic")
	if len(got) != 1 || got[0].Reason != clients.ReasonClaims || fmt.Sprint(got[0].Details) != "map[claims:phone_number address]" {
		t.Errorf("diary %+v", got)
	}
}
