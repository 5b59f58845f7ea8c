package dpop

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/shared/clock"
)

const tokenPath = "/oauth2/token"

var (
	at    = clock.Hold(time.Unix(1_790_000_000, 0))
	check = Checker{Issuer: "https://i.test", Clock: at.Now}
)

// signed is a proof for the token endpoint with a good signature, always by the same key
// and so always the same text.
func signed(f testing.TB, changes map[string]any) string {
	f.Helper()
	key := ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", ed25519.SeedSize)))
	said := map[string]any{"jti": "1", "htm": "POST", "htu": "https://i.test" + tokenPath, "iat": at.Now().Unix()}
	for name, value := range changes {
		said[name] = value
	}
	payload, err := json.Marshal(said)
	if err != nil {
		f.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: key}, (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
	if err != nil {
		f.Fatal(err)
	}
	made, err := signer.Sign(payload)
	if err != nil {
		f.Fatal(err)
	}
	text, err := made.CompactSerialize()
	if err != nil {
		f.Fatal(err)
	}
	return text
}

func asked() *http.Request { return &http.Request{Method: http.MethodPost, Header: http.Header{}} }

// The fuzzer starts from this one: it has to get as far as a proof can. RFC 9449 §4.3.
func TestAGenuineProofIsLetThrough(t *testing.T) {
	given, unread := parse(signed(t, nil))
	if unread != nil || len(given.thumbprint) != 43 {
		t.Fatalf("it cannot be read: %+v", given)
	}
	if why := check.wrong(asked(), given, tokenPath, ""); why != nil {
		t.Error(why)
	}
	r := asked()
	r.Header.Set("DPoP", signed(t, nil))
	if said := Said(r); said.ID != "1" || said.thumbprint != "" {
		t.Errorf("unchecked, it says %+v", said)
	}
}

func TestAProofIsForOneRequestAtOneMoment(t *testing.T) { // RFC 9449 §4.3
	of := base64.RawURLEncoding.EncodeToString
	now := at.Now().Unix()
	for name, c := range map[string]struct {
		changes map[string]any
		token   string
		good    bool
	}{
		"as it has to be":        {nil, "", true},
		"ten seconds ahead":      {map[string]any{"iat": now + 10}, "", true},
		"eleven seconds ahead":   {map[string]any{"iat": now + 11}, "", false},
		"a minute old":           {map[string]any{"iat": now - 60}, "", true},
		"more than a minute old": {map[string]any{"iat": now - 61}, "", false},
		"no iat":                 {map[string]any{"iat": nil}, "", false},
		"an exp and nbf of now":  {map[string]any{"exp": now + 60, "nbf": now - 60}, "", true},
		"ten seconds expired":    {map[string]any{"exp": now - 10}, "", true}, // clocks differ
		"expired":                {map[string]any{"exp": now - 11}, "", false},
		"ten seconds early":      {map[string]any{"nbf": now + 10}, "", true},
		"not good yet":           {map[string]any{"nbf": now + 11}, "", false},
		"no jti":                 {map[string]any{"jti": ""}, "", false},
		"a long jti":             {map[string]any{"jti": strings.Repeat("j", maxJTI+1)}, "", false},
		"another method":         {map[string]any{"htm": "post"}, "", false},
		"another URL":            {map[string]any{"htu": "https://i.test/oauth2/par"}, "", false},
		"no token in it":         {nil, "token", false},
		"another token":          {map[string]any{"ath": of([]byte(strings.Repeat("0", 32)))}, "token", false},
		"that token":             {map[string]any{"ath": wholeHash("token")}, "token", true},
	} {
		given, unread := parse(signed(t, c.changes))
		if why := check.wrong(asked(), given, tokenPath, c.token); unread != nil || (why == nil) != c.good {
			t.Errorf("%s: %v, %q", name, unread, why)
		}
	}
}

func FuzzProof(f *testing.F) {
	for _, seed := range []string{
		"", "..", "a.b.c", signed(f, nil), signed(f, map[string]any{"htu": "https://i.test:443" + tokenPath + "?a=b"}), strings.Repeat(".", maxProof), `{"payload":"e30","signatures":[]}`,
		"eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6Im5vbmUifQ.e30.",
		"eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkhTMjU2IiwiandrIjp7Imt0eSI6Im9jdCIsImsiOiJBQUFBIn19.e30.AAAA",
		"eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIn19.e30.AAAA",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		claims, refused := parse(text)
		if refused != nil {
			return
		}
		if len(claims.thumbprint) != 43 {
			t.Errorf("thumbprint %q", claims.thumbprint)
		}
		if why := check.wrong(asked(), claims, tokenPath, ""); why == nil && (claims.ID == "" || claims.Method != "POST" || !strings.Contains(claims.URL, tokenPath)) {
			t.Errorf("%+v was let through", claims)
		}
	})
}

func FuzzProofURL(f *testing.F) {
	for _, seed := range []string{
		"https://i.test/oauth2/token", "HTTPS://I.test:443/oauth2/token?x#y", "https://i.test/oauth2//token", "https://i.test@evil.test/oauth2/token",
		"https://i.test/oauth2/%74oken", "//i.test/oauth2/token", "https://i.test:444/oauth2/token", "\x00", "https://i.test\\@evil.test/oauth2/token", "https://[::1]:443/oauth2/token",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !check.isHere(text, tokenPath) {
			return
		}
		u, err := url.Parse(text)
		if err != nil || !strings.EqualFold(u.Hostname(), "i.test") || u.Path != tokenPath || u.User != nil || !strings.EqualFold(u.Scheme, "https") || u.Port() != "" && u.Port() != "443" {
			t.Errorf("%q is taken for our token endpoint", text)
		}
	})
}
