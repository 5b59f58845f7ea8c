package oidc_test

import (
	"testing"

	"tegata/idp/schema"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

func TestCodeFlow(t *testing.T) { // OIDC Core §3.1
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		for _, client := range []string{"tracker", "basic", "post", "old"} {
			got := w.authorize(client)
			sent := got.sent(t)
			if sent.Get("state") != "the-state" || sent.Get("iss") != w.provider.Issuer {
				t.Errorf("%s: answer %v, want state and iss", client, sent)
			}
			tokens := w.redeem(client, sent.Get("code")).json(t)
			if tokens["token_type"] != "Bearer" || tokens["expires_in"] != 300.0 || tokens["refresh_token"] != nil {
				t.Errorf("%s: tokens %v", client, tokens)
			}
			header, id := w.claims(tokens["id_token"])
			want := "RS256"
			if client == "tracker" {
				want = "ES256"
			}
			if header.Algorithm != want || header.KeyID == "" {
				t.Errorf("%s: ID token header %v, want alg %s and a kid", client, header, want)
			}
			for name, value := range map[string]any{
				"iss": w.provider.Issuer, "aud": client, "sub": w.person.Subject, "nonce": "the-nonce", "sid": w.session.ID,
			} {
				if id[name] != value {
					t.Errorf("%s: ID token %s is %v, want %v", client, name, id[name], value)
				}
			}
			for _, name := range []string{"name", "email", "scope", "rat"} {
				if id[name] != nil {
					t.Errorf("%s: ID token has %s", client, name)
				}
			}
			if sub := w.userinfo(tokens["access_token"]).json(t)["sub"]; sub != w.person.Subject {
				t.Errorf("%s: userinfo sub %v, want %v", client, sub, w.person.Subject)
			}
		}
	})
}
