package interop_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegata/shared/browser"
)

// TestOIDCClientTS is oidc-client-ts in Chromium: a public client whose requests for
// tokens, userinfo and revocation cross origins.
func TestOIDCClientTSInChromium(t *testing.T) {
	at := npm(t, "oidc-client-ts", "party.js")
	w := start(t, "grant_types: [authorization_code, refresh_token]", "scopes: [openid, profile, email, offline_access]",
		"token_endpoint_auth_method: none")
	library := filepath.Join(at, "node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js")
	script := read(t, filepath.Join(at, "party.js"))
	mine := strings.NewReplacer("'ISSUER'", "'"+w.idp.URL+"'", "'CLIENT_ID'", "'"+clientID+"'").Replace(script)
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", page("oidc-client-ts/party.html"))
	mux.HandleFunc("/callback", page("oidc-client-ts/party.html"))
	mux.HandleFunc("/oidc-client-ts.min.js", func(rw http.ResponseWriter, r *http.Request) { http.ServeFile(rw, r, library) })
	mux.HandleFunc("/party.js", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/javascript")
		rw.Write([]byte(mine))
	})
	w.serve(mux)

	p := browser.Chromium(t, browser.Options{Script: true, Language: "en"})
	w.clock.Set(time.Now())
	follow(p.Visit(w.site+"/"), "Sign in")
	w.prove(p)
	w.check(p, saw{Refresh: true, Revoked: true})
	follow(p, "Sign out").At(w.site + "/bye")
	follow(p.Visit(w.site+"/"), "Sign in").At(w.idp.URL + "/login")
}

// follow follows a link that a script shows as soon as it can.
func follow(p *browser.Person, link string) *browser.Person {
	for end := time.Now().Add(scriptsTake); !strings.Contains(p.Text(), link) && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	return p.Follow(link)
}

func page(name string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) { http.ServeFile(rw, r, here(name)) }
}
