package claims_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"tegata/idp/oidc/claims"
)

func FuzzClaimsParameter(f *testing.F) {
	for _, seed := range []string{"", "{}", "[]", `{"userinfo":{"name":null}}`, `{"userinfo":null,"id_token":{"email":{"value":"x"}}}`,
		`{"id_token":{"sub":{"value":"x"},"acr":{"essential":true,"values":["1",2,null]}}}`, `{"userinfo":{"name":{"values":null}}}`, strings.Repeat("[", 8000)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		asked, ok := claims.ReadParameter(text)
		if _, err := json.Marshal(asked); !ok || err != nil {
			return
		}
		for _, name := range append(asked.Userinfo, asked.IDToken...) {
			if !slices.Contains(claims.Personal, name) {
				t.Errorf("%s can be asked for", name)
			}
		}
	})
}
