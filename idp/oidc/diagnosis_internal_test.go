package oidc

import (
	"errors"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/ory/fosite"

	"tegata/idp/clients"
	"tegata/idp/oidc/wire"
)

// The doctor goes by the reason that a refusal carries, whatever its sentence is: one can be
// worded anew, and another one can have the same words.
func TestTheDoctorGoesByTheReasonAndNotByTheWords(t *testing.T) {
	params := url.Values{"code_challenge_method": {"plain"}, "scope": {"admin"}}
	for name, c := range map[string]struct {
		refused *wire.Refusal
		want    string
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
		if got, _ := (&Provider{}).whyNotProof(r, refused, measured{}); got != string(reason) {
			t.Errorf("a proof: %s, want %s", got, reason)
		}
	}
}
