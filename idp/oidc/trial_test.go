package oidc_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tegata/idp/clients"
	"tegata/idp/oidc"
)

// tried is what a trial says, by what it looked at; wrong ones begin with "WRONG ".
func (w *world) tried(c clients.Client) map[string]string {
	w.t.Helper()
	said := map[string]string{}
	for _, f := range (oidc.Trial{Issuer: w.provider.Issuer, Development: true}).Run(w.t.Context(), c) {
		if said[f.What] = f.Text; !f.OK {
			said[f.What] = "WRONG " + f.Text
		}
	}
	return said
}

// The request that a trial proposes works as it stands.
func TestTheExampleOfATrialGivesACode(t *testing.T) {
	w := start(t).logIn()
	c, err := w.provider.Clients.ByID(t.Context(), "basic")
	must(t, err)
	example := strings.TrimPrefix(w.tried(c)["try it"], w.provider.Issuer)
	if !strings.HasPrefix(example, "/oauth2/authorize?") {
		t.Fatalf("%q, want a request", example)
	}
	if sent := w.get(example).sent(t); sent.Get("code") == "" {
		t.Errorf("it was answered with %v", sent)
	}
}

func TestATrialTellsWhatRequestsAndTokensNeed(t *testing.T) {
	w := start(t)
	for _, c := range []struct {
		change           func(*clients.Client)
		requests, tokens string
		example          bool
	}{
		{func(*clients.Client) {}, "may come as parameters", "whoever has them", true},
		{func(c *clients.Client) { c.RequirePushed, c.DPoPBound = true, true }, "have to be pushed to " + w.provider.Issuer + "/oauth2/par", "DPoP proofs, which each", false},
		{func(c *clients.Client) { c.RequireSignedRequest, c.CertificateBound = true, true }, "signed by the client", "bound to its certificate", false},
		{func(c *clients.Client) { c.DPoPBound, c.CertificateBound = true, true }, "may come", "and to its certificate", true},
	} {
		client, err := w.provider.Clients.ByID(t.Context(), "tracker")
		must(t, err)
		c.change(&client)
		said := w.tried(client)
		if !strings.Contains(said["requests"], c.requests) || !strings.Contains(said["tokens"], c.tokens) || (said["try it"] != "") != c.example {
			t.Errorf("requests %q, tokens %q, example %q; want %q, %q, %t", said["requests"], said["tokens"], said["try it"], c.requests, c.tokens, c.example)
		}
	}
}

func TestATrialFetchesTheKeysOfTheClient(t *testing.T) {
	w := start(t)
	answer, status := "", http.StatusOK
	site := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(status)
		rw.Write([]byte(answer))
	}))
	defer site.Close()
	client, err := w.provider.Clients.ByID(t.Context(), "tracker")
	must(t, err)
	client.JWKS, client.JWKSURI = nil, site.URL
	public, err := keySet(w.key).Keys[0].MarshalJSON()
	must(t, err)
	for _, c := range []struct {
		answer string
		status int
		what   string
		want   string
	}{
		{`{"keys":[` + string(public) + `]}`, 200, "keys", "k1 ES256"},
		{`{"keys":[]}`, 200, "keys", "WRONG none of 0 keys"},
		{`nothing`, 200, "jwks_uri", "WRONG could not be fetched"},
		{``, 404, "jwks_uri", "WRONG could not be fetched"},
	} {
		answer, status = c.answer, c.status
		if got := w.tried(client)[c.what]; !strings.HasPrefix(got, c.want) {
			t.Errorf("%d %q: %s %q, want %q", c.status, c.answer, c.what, got, c.want)
		}
	}
}
