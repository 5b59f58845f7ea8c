package oidc

import (
	"strings"
	"testing"

	"tegata/shared/secret"
)

func TestSessionCloneSharesNothing(t *testing.T) {
	s := &session{Subject: "a", AMR: []string{"pwd"}, Userinfo: []string{"name"}, IDToken: []string{"email"}}
	s.claims.AccessTokenHash = "h"
	c := s.Clone().(*session)
	c.AMR[0], c.Userinfo[0], c.IDToken[0], c.Subject = "x", "x", "x", "x"
	if s.AMR[0] != "pwd" || s.Userinfo[0] != "name" || s.IDToken[0] != "email" || s.Subject != "a" || c.claims.AccessTokenHash != "h" {
		t.Errorf("clone %+v of %+v", c, s)
	}
	if (*session)(nil).Clone() != nil {
		t.Error("the clone of nothing is something")
	}
}

// A row that cannot be read is an error of ours, not the end of the request.
func TestAGrantWhoseSessionCannotBeRead(t *testing.T) {
	for text, good := range map[string]bool{`{"sub":"a"}`: true, "null": true, "{": false, "": false, `{"sub":1}`: false} {
		r := grantRow{about: []byte(text), accountID: "account", sid: "sid"}
		if h, err := r.read(); (err == nil) != good || h.Session.AccountID != "account" || h.Session.SID != "sid" {
			t.Errorf("%q: got %+v, %v", text, h.Session, err)
		}
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
