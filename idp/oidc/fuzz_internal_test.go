package oidc

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"tegata/idp/oidc/sealing"
	"tegata/keys"
	"tegata/shared/secret"
)

func FuzzTokensFromStrangers(f *testing.F) {
	for _, seed := range []string{
		"", ".", "..", "a.b.c", secret.NewToken().String(), firstRefresh(secret.NewID()).String(), secret.NewID() + "." + strings.Repeat("A", 80), strings.Repeat(".", 100_000),
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
		if r, ok := readRefresh(given); ok && (r.String() != given || r.Turn < 1) {
			t.Errorf("%q reads as %+v, which is %q", given, r, r)
		}
		if c, ok := p.carriedByJWT(given); ok {
			t.Errorf("%q is taken for a token of ours: %+v", given, c)
		}
	})
}

func FuzzAuthorizationDetails(f *testing.F) {
	for _, seed := range []string{`[{"type":"a"}]`, `[]`, `{}`, `[{"type":1}]`, `[{"type":"a","n":1e999}]`, `[{"type":"a"}]x`, `[{"type":"a","type":"b"}]`, `[{"type":"\ud800"}]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, err := parseDetails(text)
		if err != nil {
			return
		}
		for _, one := range all {
			if !json.Valid(one) || typeOf(one) == "" {
				t.Errorf("%q gives %s", text, one)
			}
		}
		again, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		narrowed, err := all.narrow(string(again))
		if len(all) > 0 && (err != nil || len(narrowed) != len(all) || !bytes.Equal(narrowed[0], all[0])) {
			t.Errorf("%q: its own text narrows to %s, %v", text, narrowed, err)
		}
	})
}
