package oidc

import (
	"strings"
	"testing"

	"tegata/idp/oidc/grants"
	"tegata/shared/secret"
)

func TestSessionCloneSharesNothing(t *testing.T) {
	s := &session{LogIn: grants.LogIn{Subject: "a", AMR: []string{"pwd"}, Userinfo: []string{"name"}, IDToken: []string{"email"}}, grant: "g"}
	s.claims.AccessTokenHash = "h"
	c := s.Clone().(*session)
	c.AMR[0], c.Userinfo[0], c.IDToken[0], c.Subject = "x", "x", "x", "x"
	if s.AMR[0] != "pwd" || s.Userinfo[0] != "name" || s.IDToken[0] != "email" || s.Subject != "a" || c.claims.AccessTokenHash != "h" || c.grant != "g" {
		t.Errorf("clone %+v of %+v", c, s)
	}
	if (*session)(nil).Clone() != nil {
		t.Error("the clone of nothing is something")
	}
}

func FuzzToken(f *testing.F) {
	for _, seed := range []string{"", ".", "a.b", secret.NewToken().String(), strings.Repeat(".", 200)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if token, ok := secret.ParseToken(text); ok && token.String() != text {
			t.Errorf("%q is read as %q", text, token)
		}
	})
}
