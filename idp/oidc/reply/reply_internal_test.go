package reply

import (
	"net/url"
	"strings"
	"testing"

	"tegata/idp/clients"
)

func FuzzRedirect(f *testing.F) {
	c := clients.Client{ApplicationType: "native", RedirectURIs: []string{"http://127.0.0.1/cb", "https://rp.test/cb?a=b"}}
	for _, seed := range []string{"http://127.0.0.1:51000/cb", "https://rp.test/cb?a=b", "http://127.0.0.1@evil.test/cb", "http://127.0.0.1:1/cb#f", "http://127.0.0.1:x/cb", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		if !c.Redirects(uri) {
			return
		}
		if uri == c.RedirectURIs[1] {
			return
		}
		u, err := url.Parse(uri)
		if err != nil || u.Scheme != "http" || u.Hostname() != "127.0.0.1" || u.Path != "/cb" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			t.Errorf("%q is taken for http://127.0.0.1/cb", uri)
		}
		back := Reply{URI: uri, State: "s", Issuer: "https://i.test"}.redirect([][2]string{{"code", "c"}})
		if !strings.HasPrefix(back, uri+"?code=c") {
			t.Errorf("answer goes to %q", back)
		}
	})
}
