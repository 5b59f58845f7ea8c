package grants_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"tegata/idp/oidc/grants"
	"tegata/idp/oidc/object"
	"tegata/idp/oidc/target"
	"tegata/idp/oidc/tokens"
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
		full := &grants.LogIn{
			AccountID: a, Subject: b, SID: a, AuthTime: time.UnixMicro(micros).UTC(), ACR: b, AMR: []string{a, b}, Nonce: b,
			Userinfo: []string{a}, IDToken: []string{b, a, b}, Resources: []string{}, Details: target.Details{json.RawMessage(`{"type":"a"}`), json.RawMessage(`{"n":[1,"<"]}`)},
			Actor: &tokens.Actor{Subject: a, Actor: &tokens.Actor{Client: b}}, From: []string{a, b}, Through: []string{b}, DPoPKey: a,
		}
		for _, v := range []object.Writes{full, &grants.LogIn{Subject: a}, &grants.LogIn{}} {
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
		var asWritten, asJSON grants.LogIn
		if err := errors.Join(object.Unmarshal(want, &asWritten), json.Unmarshal(want, &asJSON)); err != nil || !reflect.DeepEqual(asWritten, asJSON) {
			t.Errorf("read %+v, %v\nwant %+v", asWritten, err, asJSON)
		}
	})
}

func TestTheCloneOfALogInSharesNothing(t *testing.T) {
	l := &grants.LogIn{Subject: "a", AMR: []string{"pwd"}, Userinfo: []string{"name"}, IDToken: []string{"email"}, Resources: []string{"r"}, From: []string{"t"}, Through: []string{"c"}}
	c := l.Clone()
	c.AMR[0], c.Userinfo[0], c.IDToken[0], c.Resources[0], c.From[0], c.Through[0], c.Subject = "x", "x", "x", "x", "x", "x", "x"
	if l.AMR[0] != "pwd" || l.Userinfo[0] != "name" || l.IDToken[0] != "email" || l.Resources[0] != "r" || l.From[0] != "t" || l.Through[0] != "c" || l.Subject != "a" {
		t.Errorf("clone %+v of %+v", c, l)
	}
}
