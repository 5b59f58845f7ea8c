package requestobject

import (
	"strings"
	"testing"
	"time"

	"tegata/idp/clients"
	"tegata/shared/clock"
)

func FuzzRequestObject(f *testing.F) {
	for _, seed := range []string{
		"", "..", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJIUzI1NiJ9.e30.AAAA",
		"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJhIiwiY2xpZW50X2lkIjoiYSIsIm1heF9hZ2UiOjMwMCwiY2xhaW1zIjp7fX0.AAAA",
		"eyJhbGciOiJFUzI1NiJ9.eyJtYXhfYWdlIjoxZTQwMCwicmVzb3VyY2UiOlsiYSIsImIiXX0.AAAA", strings.Repeat(".", MaxLength),
	} {
		f.Add(seed)
	}
	now := clock.Hold(time.Unix(1_790_000_000, 0))
	client := &clients.Client{ID: "a", Profile: clients.FAPI2MessageSigning}
	f.Fuzz(func(t *testing.T, text string) {
		o, ok := Parse(text)
		if !ok {
			return
		}
		if alg := o.Token.Headers[0].Algorithm; alg == "none" || strings.HasPrefix(alg, "HS") {
			t.Errorf("algorithm %s was let through", alg)
		}
		for name, values := range o.Params {
			if len(values) != 1 && name != "resource" {
				t.Errorf("%s has %d values", name, len(values))
			}
		}
		o.Wrong(client, "https://i.test", clients.RulesRFC9101, now.Now())
		o.Wrong(&clients.Client{ID: "a"}, "https://i.test", clients.RulesOIDC, now.Now())
	})
}

func FuzzTextual(f *testing.F) {
	for _, seed := range []string{`"a"`, `300`, `-0`, `3e2`, `1e400`, `9007199254740993`, `true`, `null`, `{"a":[1, 2]}`, `["a","b"]`, ` 1`, ``} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		for _, name := range []string{"max_age", "resource"} {
			values, ok := texts(name, []byte(raw))
			if ok && name == "max_age" && len(values) > 1 {
				t.Errorf("%q gives %q", raw, values)
			}
		}
	})
}

func TestNumbersKeepTheirDigits(t *testing.T) {
	for raw, want := range map[string]string{"300": "300", "300.0": "300", "3e2": "300", "9007199254740993": "9007199254740993", "0.5": "0.5", "true": "true", `{"a": 1}`: `{"a":1}`} {
		if got, ok := texts("x", []byte(raw)); !ok || len(got) != 1 || got[0] != want {
			t.Errorf("%s gives %q, want %q", raw, got, want)
		}
	}
	if got, ok := texts("resource", []byte(`["https://a.test", "https://b.test"]`)); !ok || len(got) != 2 {
		t.Errorf("resource gives %q", got)
	}
}
