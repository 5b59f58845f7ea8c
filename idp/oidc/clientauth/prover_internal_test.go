package clientauth

import (
	"strings"
	"testing"
	"time"

	"tegata/idp/clients"
	"tegata/idp/oidc/jws"
	"tegata/shared/clock"
)

func FuzzAssertionsFromStrangers(f *testing.F) {
	for _, seed := range []string{
		"", "..", "eyJhbGciOiJub25lIn0.eyJpc3MiOiJhIiwic3ViIjoiYiJ9.", "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhIiwic3ViIjoiYiJ9.eA",
		"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJhIiwic3ViIjoiYiIsImV4cCI6MWUzMDB9.eA", "eyJhbGciOiJFUzI1NiIsImp3ayI6e319.e30.eA",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		a, ok := Parse(given)
		if !ok {
			return
		}
		if a.Issuer == "" || a.Subject == "" || a.Token == nil {
			t.Errorf("%q passes without issuer or subject", given)
		}
		if alg := a.Token.Headers[0].Algorithm; alg == "none" || strings.HasPrefix(alg, "HS") {
			t.Errorf("%q passes with algorithm %q", given, alg)
		}
	})
}

func FuzzAssertion(f *testing.F) {
	for _, seed := range []string{
		"", "..", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJIUzI1NiJ9.e30.AAAA", "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJhIiwic3ViIjoiYSJ9.AAAA",
		strings.Repeat(".", jws.MaxToken), `{"payload":"e30","signatures":[]}`,
	} {
		f.Add(seed)
	}
	now := clock.Hold(time.Unix(1_790_000_000, 0))
	p := &Prover{Issuer: "https://i.test", Clock: now.Now}
	client := &clients.Client{ID: "a", AuthMethod: clients.PrivateKeyJWT, AuthAudience: "endpoint"}
	f.Fuzz(func(t *testing.T, text string) {
		a, ok := Parse(text)
		if !ok {
			return
		}
		if alg := a.Token.Headers[0].Algorithm; alg == "none" || strings.HasPrefix(alg, "HS") {
			t.Errorf("algorithm %s was let through", alg)
		}
		p.wrong(client, a)
	})
}
