package oidc

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

func FuzzClaimsAreWrittenAsJSONWritesThem(f *testing.F) {
	for _, s := range []string{"", "hanako@example.org", "山田 花子", `a"b\c`, "<script>&amp;</script>", "a\nb\x00\x7f", "\xff\xfe", "\u2028\u2029", "~ ", strings.Repeat("x", 900)} {
		f.Add("name", s, int64(1763715600), true)
		f.Add(s, "y", int64(math.MinInt64), false)
	}
	f.Fuzz(func(t *testing.T, name, text string, number int64, truth bool) {
		for _, claims := range []any{
			map[string]any{name: text, "sub": "s", "updated_at": number, "email_verified": truth, "address": map[string]any{"locality": text}, "none": nil},
			map[string]any{}, map[string]any(nil), struct{ A string }{text}, map[string]string{name: text},
		} {
			want, err := json.Marshal(claims)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := marshal(claims); err != nil || string(got) != string(want) {
				t.Errorf("got %s, %v; want %s", got, err, want)
			}
		}
	})
}

func TestWhatJSONCannotWriteIsAnError(t *testing.T) {
	if b, err := marshal(map[string]any{"sub": "s", "x": make(chan int)}); err == nil {
		t.Errorf("got %s", b)
	}
}
