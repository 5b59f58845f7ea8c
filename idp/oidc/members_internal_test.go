package oidc

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"tegata/idp/oidc/claims"
	"tegata/idp/oidc/grants"
	"tegata/idp/oidc/object"
)

// What codes say is what the tags of their fields say, and is read again as it was; so is
// what userinfo tells.
func FuzzCodesAreKeptAsJSONWouldKeepThem(f *testing.F) {
	for _, s := range []string{"", "hanako@example.org", "山田 花子", `a"b\c`, "<script>&amp;</script>", "a\nb\x00\x7f", "\xff\xfe", "\u2028\u2029", "~ "} {
		f.Add(s, "x", int64(1763715600_123456))
		f.Add("x", s, int64(0))
	}
	f.Fuzz(func(t *testing.T, a, b string, micros int64) {
		if at := time.UnixMicro(micros).UTC(); at.Year() < 1970 || at.Year() > 9999 {
			t.Skip("no moment of a log-in")
		}
		full := &session{LogIn: grants.LogIn{
			AccountID: a, Subject: b, SID: a, AuthTime: time.UnixMicro(micros).UTC(), ACR: b, AMR: []string{a, b}, Nonce: b,
			Userinfo: []string{a}, IDToken: []string{b, a, b}, Resources: []string{}, DPoPKey: a,
		}}
		for _, v := range []object.Writes{
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
		want, err := json.Marshal(issued{At: micros, Client: a, Registered: micros, RedirectURI: b, Scopes: []string{b, a}, Challenge: a, Session: &session{LogIn: grants.LogIn{Subject: b, AMR: []string{a}}}})
		if err != nil {
			t.Fatal(err)
		}
		var code, codeAsJSON issued
		if err := errors.Join(object.Unmarshal(want, &code), json.Unmarshal(want, &codeAsJSON)); err != nil || !reflect.DeepEqual(code, codeAsJSON) {
			t.Errorf("read %+v, %v\nwant %+v", code, err, codeAsJSON)
		}
		told := claims.Set{
			{Name: "address", Value: map[string]any{"locality": a}}, {Name: "email_verified", Value: a == b},
			{Name: "sub", Value: b}, {Name: "updated_at", Value: micros},
		}
		want, err = json.Marshal(map[string]any{"address": map[string]any{"locality": a}, "email_verified": a == b, "sub": b, "updated_at": micros})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := object.Marshal(told); err != nil || string(got) != string(want) {
			t.Errorf("got  %s, %v\nwant %s", got, err, want)
		}
	})
}
