package app_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tegata/idp/app/apptest"
	"tegata/keys"
)

// readersFile registers two clients that come from the same machine.
func readersFile() string {
	sum := sha256.Sum256([]byte("a-secret-of-256-random-bits"))
	var text strings.Builder
	text.WriteString("clients:\n")
	for _, id := range []string{"shop", "wiki"} {
		text.WriteString("  - client_id: " + id + `
    client_name: {en: ` + id + `}
    redirect_uris: ["https://` + id + `.test/callback"]
    token_endpoint_auth_method: client_secret_post
    client_secret_digests: [` + hex.EncodeToString(sum[:]) + `]
    id_token_signed_response_alg: ES256
`)
	}
	return text.String()
}

// TestTheProviderKnowsWhoReadItsKeys goes the whole way: a client proves itself at the
// token endpoint, fetches the key set, and is no reason to wait any more.
func TestTheProviderKnowsWhoReadItsKeys(t *testing.T) {
	idp := apptest.Start(t, apptest.Options{Clients: readersFile()})
	send := func(r *http.Request, agent string) {
		t.Helper()
		r.Header.Set("User-Agent", agent)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
	}
	for _, id := range []string{"shop", "wiki"} { // the code is wrong, but the client is right
		form := url.Values{"grant_type": {"authorization_code"}, "code": {"x"}, "redirect_uri": {"https://" + id + ".test/callback"},
			"client_id": {id}, "client_secret": {"a-secret-of-256-random-bits"}}
		r, err := http.NewRequestWithContext(t.Context(), "POST", idp.URL+"/oauth2/token", strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		send(r, id+"/1.0")
	}
	for method, agent := range map[string]string{"GET": "shop/1.0", "HEAD": "wiki/1.0"} { // who asks by HEAD has no keys
		r, err := http.NewRequestWithContext(t.Context(), method, idp.URL+"/oauth2/jwks", nil)
		if err != nil {
			t.Fatal(err)
		}
		send(r, agent)
	}

	idp.Clock.Move(time.Hour)
	why := ""
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		_, err := idp.Keys.Promote(t.Context(), keys.Promotion{Alg: "ES256", Dry: true})
		if err == nil {
			continue // who came by is written down every two seconds
		}
		if why = err.Error(); strings.HasPrefix(why, "wiki: ") && strings.HasSuffix(why, "was never seen fetching the key set") {
			return
		}
		if strings.HasPrefix(why, "caches may hold") { // on a slow machine the keys were published after the clock moved
			idp.Clock.Move(time.Hour)
		}
	}
	t.Errorf("waits for %q, want only the wiki", why)
}
