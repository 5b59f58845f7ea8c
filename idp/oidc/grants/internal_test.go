package grants

import (
	"strings"
	"testing"

	"tegata/shared/secret"
)

// A row that cannot be read is an error of ours, not the end of the request.
func TestAGrantWhoseSessionCannotBeRead(t *testing.T) {
	for text, good := range map[string]bool{`{"sub":"a"}`: true, "null": true, "{": false, "": false, `{"sub":1}`: false} {
		r := row{about: []byte(text), accountID: "account", sid: "sid"}
		if h, err := r.read(); (err == nil) != good || h.LogIn.AccountID != "account" || h.LogIn.SID != "sid" {
			t.Errorf("%q: got %+v, %v", text, h.LogIn, err)
		}
	}
}

func FuzzRefreshTokensFromStrangers(f *testing.F) {
	for _, seed := range []string{
		"", ".", "..", "a.b.c", secret.NewToken().String(), FirstRefresh(secret.NewID()).String(),
		secret.NewID() + "." + strings.Repeat("A", 70), secret.NewID() + "." + strings.Repeat("A", 80), strings.Repeat(".", 100_000),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		if r, ok := readRefresh(given); ok && (r.String() != given || r.Turn < 1) {
			t.Errorf("%q reads as %+v, which is %q", given, r, r)
		}
	})
}
