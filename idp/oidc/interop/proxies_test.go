package interop_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"tegata/shared/browser"
)

// TestModAuthOpenIDC is Apache with Debian's libapache2-mod-auth-openidc: it tells the
// page behind it what it saw. A refusal it takes for a log-in that somebody else starts,
// as that has an iss too (RFC 9207), and shows an error page of its own.
func TestModAuthOpenIDC(t *testing.T) {
	apt(t, "/usr/lib/apache2/modules/mod_auth_openidc.so", "apache2-bin", "libapache2-mod-auth-openidc")
	w := start(t, "require_pkce: true")
	conf, err := filepath.Abs(here("mod_auth_openidc/httpd.conf"))
	if err != nil {
		t.Fatal(err)
	}
	w.run(".", []string{"FOLDER=" + t.TempDir(), "PAGES=" + filepath.Dir(conf) + "/pages"}, "/usr/sbin/apache2", "-DFOREGROUND", "-f", conf)
	w.welcome(saw{})
}

// TestOAuth2Proxy is oauth2-proxy in front of a site that shows the headers it gets.
// It has no ID token at hand when it sends people to log out, so the provider asks them.
func TestOAuth2Proxy(t *testing.T) {
	w, p := oauth2Proxy(t)
	p.Visit(w.site + "/sign_out?rd=" + w.idp.URL + "/oauth2/logout").Press("Log out").Sees("logged out")
	p.Visit(w.site + "/login").At(w.idp.URL + "/login")
}

// TestOAuth2ProxyLogsOutByItself has it call the provider from server to server, with
// the ID token and without the browser's cookie: nobody is asked.
func TestOAuth2ProxyLogsOutByItself(t *testing.T) {
	w, p := oauth2Proxy(t, "--backend-logout-url=ISSUER/oauth2/logout?id_token_hint={id_token}")
	p.Visit(w.site + "/sign_out?rd=" + w.site + "/bye").Visit(w.idp.URL + "/profile").At("/login")
}

// oauth2Proxy runs it and lets a person sign in through it.
func oauth2Proxy(t *testing.T, more ...string) (*world, *browser.Person) {
	t.Helper()
	proxy := build(t, "oauth2-proxy", "github.com/oauth2-proxy/oauth2-proxy/v7")
	w := start(t, "require_pkce: true")
	site := httptest.NewServer(http.HandlerFunc(w.behindProxy))
	t.Cleanup(site.Close)
	args := []string{
		"--provider=oidc", "--oidc-issuer-url=" + w.idp.URL, "--client-id=" + clientID, "--client-secret=" + w.secret,
		"--redirect-url=" + w.site + "/callback", "--proxy-prefix=", "--code-challenge-method=S256", "--scope=openid profile email",
		"--http-address=127.0.0.1:" + w.port, "--upstream=" + site.URL, "--email-domain=*", "--whitelist-domain=localhost:*",
		"--cookie-secret=0123456789abcdef0123456789abcdef", "--cookie-secure=false",
		"--skip-provider-button", "--pass-access-token", "--pass-authorization-header",
	}
	for _, one := range more {
		args = append(args, strings.ReplaceAll(one, "ISSUER", w.idp.URL))
	}
	w.run(".", nil, append([]string{proxy}, args...)...)
	p := browser.InProcess(t, browser.Options{Language: "en"})
	w.logIn(p)
	w.check(p, saw{})
	return w, p
}

// behindProxy tells what oauth2-proxy passes on. It has no name: that comes from userinfo.
func (w *world) behindProxy(rw http.ResponseWriter, r *http.Request) {
	seen := saw{Sub: r.Header.Get("X-Forwarded-User"), Email: r.Header.Get("X-Forwarded-Email"), Issuer: w.idp.URL}
	seen.IDToken = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	ask, err := http.NewRequest(http.MethodGet, w.idp.URL+"/oauth2/userinfo", nil)
	if err != nil {
		tell(rw, seen, err)
		return
	}
	ask.Header.Set("Authorization", "Bearer "+r.Header.Get("X-Forwarded-Access-Token"))
	answer, err := http.DefaultClient.Do(ask)
	if err == nil {
		defer answer.Body.Close()
		err = json.NewDecoder(answer.Body).Decode(&seen.Userinfo)
		seen.Name, _ = seen.Userinfo["name"].(string)
	}
	tell(rw, seen, err)
}
