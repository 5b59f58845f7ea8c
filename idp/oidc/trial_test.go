package oidc_test

import (
	"strings"
	"testing"

	"tegata/idp/clients"
	"tegata/idp/oidc/trial"
)

// The request that a trial proposes works as it stands.
func TestTheExampleOfATrialGivesACode(t *testing.T) {
	w := start(t).logIn()
	c, err := w.provider.Clients.ByID(t.Context(), "basic")
	must(t, err)
	all := trial.Provider{Issuer: w.provider.Issuer, Setting: clients.Setting{Development: true, ResponseTypes: []string{"code"}}}.Try(t.Context(), *c)
	example := strings.TrimPrefix(all[len(all)-1].Text, w.provider.Issuer)
	if !strings.HasPrefix(example, "/oauth2/authorize?") {
		t.Fatalf("%q, want a request", example)
	}
	if sent := w.get(example).sent(t); sent.Get("code") == "" {
		t.Errorf("it was answered with %v", sent)
	}
}
