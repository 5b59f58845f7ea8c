package oidc

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"tegata/idp/oidc/object"
)

// What codes, tokens and grants say of a log-in is what the tags of its fields say, and is
// read again as it was.
func FuzzLogInsAreKeptAsJSONWouldKeepThem(f *testing.F) {
	for _, s := range []string{"", "hanako@example.org", "山田 花子", `a"b\c`, "<script>&amp;</script>", "a\nb\x00\x7f", "\xff\xfe", "\u2028\u2029", "~ "} {
		f.Add(s, "x", int64(1763715600_123456))
		f.Add("x", s, int64(0))
	}
	f.Fuzz(func(t *testing.T, a, b string, micros int64) {
		if at := time.UnixMicro(micros).UTC(); at.Year() < 1970 || at.Year() > 9999 {
			t.Skip("no moment of a log-in")
		}
		full := &session{
			AccountID: a, Subject: b, SID: a, AuthTime: time.UnixMicro(micros).UTC(), ACR: b, AMR: []string{a, b}, Nonce: b,
			Userinfo: []string{a}, IDToken: []string{b, a, b}, Resources: []string{}, Details: details{json.RawMessage(`{"type":"a"}`), json.RawMessage(`{"n":[1,"<"]}`)},
			Actor: &actor{Subject: a, Actor: &actor{Client: b}}, DPoPKey: a,
		}
		for _, v := range []object.Writes{
			full, &session{Subject: a}, &session{},
			issued{At: micros, Client: a, Registered: micros, RedirectURI: b, Scopes: []string{b, a}, Challenge: a, Session: full},
			issued{Session: &session{}},
		} {
			want, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := object.Marshal(v); err != nil || string(got) != string(want) {
				t.Errorf("got  %s, %v\nwant %s", got, err, want)
			}
		}
		want, err := json.Marshal(full)
		if err != nil {
			t.Fatal(err)
		}
		var asWritten, asJSON session
		if err := errors.Join(object.Unmarshal(want, &asWritten), json.Unmarshal(want, &asJSON)); err != nil || !reflect.DeepEqual(asWritten, asJSON) {
			t.Errorf("read %+v, %v\nwant %+v", asWritten, err, asJSON)
		}
		if want, err = json.Marshal(issued{At: micros, Client: a, Registered: micros, RedirectURI: b, Scopes: []string{b, a}, Challenge: a, Session: &session{Subject: b, AMR: []string{a}}}); err != nil {
			t.Fatal(err)
		}
		var code, codeAsJSON issued
		if err := errors.Join(object.Unmarshal(want, &code), json.Unmarshal(want, &codeAsJSON)); err != nil || !reflect.DeepEqual(code, codeAsJSON) {
			t.Errorf("read %+v, %v\nwant %+v", code, err, codeAsJSON)
		}
		claims := claimsSet{{"address", map[string]any{"locality": a}}, {"email_verified", a == b}, {"sub", b}, {"updated_at", micros}}
		want, err = json.Marshal(map[string]any{"address": map[string]any{"locality": a}, "email_verified": a == b, "sub": b, "updated_at": micros})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := object.Marshal(claims); err != nil || string(got) != string(want) {
			t.Errorf("got  %s, %v\nwant %s", got, err, want)
		}
	})
}

// Answers leave out what they do not know, and an audience of one is no list.
func TestAnswersAreWritten(t *testing.T) {
	for want, v := range map[string]object.Writes{
		`{"active":false}`: introspection{},
		`{"active":true,"aud":"a","cnf":{"jkt":"k"}}`:               introspection{Active: true, Audience: audience{"a"}, Bound: confirmation{JKT: "k"}},
		`{"active":true,"aud":["a","b"],"act":{"sub":"s"}}`:         introspection{Active: true, Audience: audience{"a", "b"}, Actor: &actor{Subject: "s"}},
		`{"access_token":"t","token_type":"Bearer","expires_in":0}`: tokens{AccessToken: "t", TokenType: "Bearer"},
		`{"access_token":"t","token_type":"DPoP","expires_in":60,"refresh_token":"r","id_token":"i","scope":"a b","issued_token_type":"u","authorization_details":[{"type":"x"}]}`: tokens{
			AccessToken: "t", TokenType: "DPoP", ExpiresIn: 60, RefreshToken: "r", IDToken: "i", Scope: "a b", IssuedTokenType: "u", Details: details{json.RawMessage(`{"type":"x"}`)}},
		`{"iss":"i","sub":"s","aud":"a","exp":2,"iat":1}`: idToken{Issuer: "i", Subject: "s", Audience: "a", Expires: 2, Issued: 1},
		`{"iss":"i","sub":"s","aud":"a","exp":2,"iat":1,"auth_time":1,"nonce":"n","acr":"0","amr":["pwd"],"sid":"d","at_hash":"h","c_hash":"c","may_act":{"sub":"m"},"email":"e"}`: idToken{
			Issuer: "i", Subject: "s", Audience: "a", Expires: 2, Issued: 1, AuthTime: 1, Nonce: "n", ACR: "0", AMR: []string{"pwd"}, SID: "d",
			AccessHash: "h", CodeHash: "c", MayAct: &actor{Subject: "m"}, More: claimsSet{{"email", "e"}}},
	} {
		if got, err := object.Marshal(v); err != nil || string(got) != want {
			t.Errorf("got  %s, %v\nwant %s", got, err, want)
		}
	}
}
