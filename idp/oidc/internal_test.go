package oidc

import (
	"net/url"
	"strings"
	"testing"

	"tegata/idp/clients"
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

func FuzzRedirect(f *testing.F) {
	c := clients.Client{ApplicationType: "native", RedirectURIs: []string{"http://127.0.0.1/cb", "https://rp.test/cb?a=b"}}
	for _, seed := range []string{"http://127.0.0.1:51000/cb", "https://rp.test/cb?a=b", "http://127.0.0.1@evil.test/cb", "http://127.0.0.1:1/cb#f", "http://127.0.0.1:x/cb", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		if !c.Redirects(uri) {
			return
		}
		if uri == c.RedirectURIs[1] {
			return
		}
		u, err := url.Parse(uri)
		if err != nil || u.Scheme != "http" || u.Hostname() != "127.0.0.1" || u.Path != "/cb" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			t.Errorf("%q is taken for http://127.0.0.1/cb", uri)
		}
		back := reply{uri: uri, state: "s", issuer: "https://i.test"}.redirect([][2]string{{"code", "c"}})
		if !strings.HasPrefix(back, uri+"?code=c") {
			t.Errorf("answer goes to %q", back)
		}
	})
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
