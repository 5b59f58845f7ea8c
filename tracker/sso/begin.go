package sso

import (
	"context"
	"net/url"
	"strings"
	"unicode"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"tegata/shared/fault"
	"tegata/shared/once"
	"tegata/shared/secret"
)

// Wish is what a log-in starts from.
type Wish struct {
	Browser   string // value of the browser's cookie
	Wanted    string // path and query at the tracker that LocalPath gave, or ""
	LoginHint string // e-mail to fill in, or ""
	UILocales string // language of the person
}

// Begin opens a log-in and gives the URL of the authorization request. State, nonce
// and PKCE challenge are fresh each time. It gives fault.Busy when the
// provider cannot be reached.
func (s *Service) Begin(ctx context.Context, w Wish) (string, error) {
	c, err := s.Provider.connect(ctx)
	if err != nil {
		return "", err
	}
	a := attempt{Browser: secret.Digest(w.Browser), Nonce: secret.Text(), Verifier: secret.Text(), Wanted: w.Wanted}
	state, err := s.Tickets.Issue(ctx, once.New{Purpose: statePurpose, Payload: a, Lives: loginLives}, s.Clock())
	if err != nil {
		return "", err
	}
	opts := []rp.AuthURLOpt{
		rp.WithCodeChallenge(oidc.NewSHACodeChallenge(a.Verifier)),
		rp.AuthURLOpt(rp.WithURLParam("nonce", a.Nonce)),
		rp.AuthURLOpt(rp.WithURLParam("target_link_uri", s.PublicURL+orHome(w.Wanted))),
	}
	for name, value := range map[string]string{"login_hint": hint(w.LoginHint), "ui_locales": w.UILocales} {
		if value != "" {
			opts = append(opts, rp.AuthURLOpt(rp.WithURLParam(name, value)))
		}
	}
	return rp.AuthURL(state.String(), c.rp, opts...), nil
}

// Home is where a log-in ends that began nowhere (S-187).
const Home = "/home"

func orHome(path string) string {
	if path == "" {
		return Home
	}
	return path
}

// hint drops a login hint that cannot be an e-mail address.
func hint(s string) string {
	if len(s) > 254 || strings.ContainsFunc(s, unicode.IsControl) {
		return ""
	}
	return s
}

// maxWanted bounds the place kept through a log-in.
const maxWanted = 1024

// LocalPath gives path and query of a URL at the tracker, absolute or not, and
// refuses every other origin (OIDC Core §4, A-074). "" stays "". Places that only make
// sense within a log-in become "".
func LocalPath(publicURL, target string) (string, error) {
	if target == "" {
		return "", nil
	}
	elsewhere := fault.New(fault.Invalid, "target_link_uri", "signin.target")
	if len(target) > maxWanted || strings.ContainsFunc(target, unicode.IsControl) || strings.ContainsRune(target, '\\') {
		return "", elsewhere
	}
	u, err := url.Parse(target)
	home, _ := url.Parse(publicURL)
	if err != nil || u.Opaque != "" || u.User != nil {
		return "", elsewhere
	}
	if u.IsAbs() || u.Host != "" {
		if u.Scheme != home.Scheme || u.Host != home.Host {
			return "", elsewhere
		}
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	if path[0] != '/' || strings.HasPrefix(path, "//") {
		return "", elsewhere
	}
	switch path {
	case "/", "/login", "/callback", "/logout":
		return "", nil
	}
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	return path, nil
}
