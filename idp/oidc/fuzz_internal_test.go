package oidc

import (
	"encoding/base64"
	"strings"
	"testing"

	"tegata/idp/oidc/grants"
	"tegata/idp/oidc/sealing"
	"tegata/keys"
	"tegata/shared/secret"
)

func FuzzTokensFromStrangers(f *testing.F) {
	for _, seed := range []string{
		"", ".", "..", "a.b.c", secret.NewToken().String(), grants.FirstRefresh(secret.NewID()).String(), secret.NewID() + "." + strings.Repeat("A", 80), strings.Repeat(".", 100_000),
		"e30.eyJqdGkiOiIwMThmMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDAifQ.x", "e30.eyJqdGkiOjF9.x", "e30.bnVsbA.x",
	} {
		f.Add(seed)
	}
	p := &Provider{Issuer: "https://i.test", Keys: &keys.Ring{}}
	f.Fuzz(func(t *testing.T, given string) {
		if id, name, box, ok := sealing.Parse(given); ok && (len(id) != 36 || strings.ToLower(id) != id ||
			given != id+"."+base64.RawURLEncoding.EncodeToString(append(name[:], box...))) {
			t.Errorf("%q reads as %q, and is not written so", given, id)
		}
		if c, err := p.readAccessJWT(t.Context(), given); err == nil {
			t.Errorf("%q is taken for a token of ours: %+v", given, c)
		}
	})
}
