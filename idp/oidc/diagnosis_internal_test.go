package oidc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/ory/fosite"

	"tegata/idp/clients"
	"tegata/idp/oidc/clientauth"
	"tegata/idp/oidc/wire"
)

// The doctor goes by the reason that a refusal carries, whatever its sentence is: one can be
// worded anew, and another one can have the same words.
func TestTheDoctorGoesByTheReasonAndNotByTheWords(t *testing.T) {
	params := url.Values{"code_challenge_method": {"plain"}, "scope": {"admin"}}
	for name, c := range map[string]struct {
		refused *wire.Refusal
		want    clients.Reason
	}{
		"worded anew":             {wire.Refuse("invalid_request", "PKCE, please.").For(clients.ReasonPKCEMissing), clients.ReasonPKCEMissing},
		"with a cause":            {errPushedOver.Because(errors.New("no row")), clients.ReasonPushedOver},
		"with a value":            {errNotS256, clients.ReasonPKCEMethod},
		"the same words":          {wire.Refuse("invalid_grant", errUsed.Why), clients.ReasonOther},
		"the words of its code":   {wire.Refuse("access_denied", wire.Sentence("access_denied")), clients.ReasonOther},
		"only a code":             {wire.RefuseAs("invalid_scope"), clients.ReasonScopeRefused},
		"only a code, of fosite":  {wire.RefusalOf(fosite.ErrInvalidScope), clients.ReasonScopeRefused},
		"a code that has no word": {wire.RefuseAs("invalid_target"), clients.ReasonOther},
		"on our side":             {wire.RefuseAs("server_error"), clients.ReasonOurs},
	} {
		reason, details := reasonOf(c.refused, params)
		if reason != c.want || reason == clients.ReasonOther && details["why"] != c.refused.Why {
			t.Errorf("%s: %s %v, want %s", name, reason, details, c.want)
		}
	}
	r := httptest.NewRequest("POST", pathToken, nil)
	r.Header.Set("DPoP", "x")
	for _, reason := range []clients.Reason{clients.ReasonProofMethod, clients.ReasonProofURL, clients.ReasonProofReplayed} {
		refused := wire.Refuse("invalid_dpop_proof", "Worded anew.").For(reason)
		if got, _ := (&Provider{}).whyNotProof(r, refused, measured{}); got != reason {
			t.Errorf("a proof: %s, want %s", got, reason)
		}
	}
}

// The same of what a client brings, whose clock and whose audience are looked at.
func TestTheDoctorGoesByTheReasonOfWhatWasBrought(t *testing.T) {
	const elsewhere = "https://elsewhere.test"
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	bearer, err := jwt.Signed(signer).Claims(map[string]any{"iss": "a", "sub": "b", "aud": elsewhere}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	p := &Provider{Issuer: "https://i.test", prover: &clientauth.Prover{Issuer: "https://i.test"}}
	c := claim{client: &clients.Client{ID: "c", AuthMethod: clients.PrivateKeyJWT}, given: clientauth.Credentials{
		Method: clients.PrivateKeyJWT, Assertion: clientauth.Asserted{Audience: []byte(`"` + elsewhere + `"`)},
	}}
	for name, row := range map[string]struct {
		code   string
		reason clients.Reason
		seen   measured
		given  string // whom it was made out to, where that is told
	}{
		"the clock, by a proof":       {"invalid_dpop_proof", clients.ReasonClock, measured{-5 * time.Minute, byProof}, ""},
		"the clock, by an assertion":  {"invalid_client", clients.ReasonClock, measured{5 * time.Minute, byAssertion}, ""},
		"whom an assertion is for":    {"invalid_client", clients.ReasonAudience, measured{}, elsewhere},
		"whom one of a person is for": {"invalid_grant", clients.ReasonBearerAudience, measured{}, elsewhere},
	} {
		r := httptest.NewRequest("POST", pathToken, nil)
		r.Header.Set("DPoP", "x")
		w := &work{arrived: r, form: url.Values{"assertion": {bearer}}}
		got, details := p.whyNotClient(w, c, wire.Refuse(row.code, "Worded anew.").For(row.reason), row.seen)
		if got != row.reason || details["given"] != row.given {
			t.Errorf("%s: %s %v, want %s", name, got, details, row.reason)
		}
		if got, _ := p.whyNotClient(w, c, wire.Refuse(row.code, "Worded anew."), row.seen); got == row.reason {
			t.Errorf("%s: %s without the reason", name, got)
		}
	}
}
