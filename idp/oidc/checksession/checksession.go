// Package checksession lets a client's page notice that who is signed in has changed,
// without a request to us: OIDC Session Management 1.0.
//
//	checksession.go  session_state and the cookie it is compared with
//	frame.go         check_session_iframe, the page that compares; frame.js
package checksession

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tegata/idp/clients"
	"tegata/idp/sessions"
	"tegata/shared/clock"
	"tegata/shared/secret"
	"tegata/shared/serve"
)

// Path is where check_session_iframe lies, below the issuer.
const Path = "/oauth2/session"

// stateCookie holds the browser state: a name for who is signed in that says nothing.
// It travels to one path only and is read by the script there (OIDC Session
// Management §3.2).
const stateCookie = "tegata_state"

// signedOut is the browser state of nobody. It is kept for a while, not cleared: a
// frame that sees no state at all cannot tell anything, as where browsers hide our
// cookies in frames.
const (
	signedOut    = "-"
	signedOutFor = 7 * 24 * time.Hour
)

// Service answers for one issuer. All fields are needed, but Development.
type Service struct {
	Seal        *secret.Sealer // keys the browser state
	Cookies     serve.Cookies  // of the issuer
	Clock       clock.Clock
	Development bool // clients' pages may come by http
}

// browserState names the session for its browser. It is keyed, since clients know sids.
func (v Service) browserState(sid string) string {
	return base64.RawURLEncoding.EncodeToString(v.Seal.MAC("browser state", "", sid)[:16])
}

// Show lets clients' pages notice who is signed in now; nil is nobody.
func (v Service) Show(w http.ResponseWriter, s *sessions.Session) {
	value, lives := v.stateOf(s)
	v.setState(w, value, lives)
}

// stateOf is the browser state, and for how long.
func (v Service) stateOf(s *sessions.Session) (value string, lives time.Duration) {
	if s == nil {
		return signedOut, signedOutFor
	}
	return v.browserState(s.ID), s.ExpiresAt.Sub(v.Clock())
}

func (v Service) setState(w http.ResponseWriter, value string, lives time.Duration) {
	v.Cookies.SetReadable(w, stateCookie, value, Path, lives)
}

// State gives session_state for an answer to client at uri: what its page shows the
// frame, for this client at this origin alone. OIDC Session Management §2. The browser
// learns who is signed in along with it; nil is nobody. It is "" for an address that is
// no web page's.
func (v Service) State(w http.ResponseWriter, client, uri string, s *sessions.Session) string {
	origin := scriptOrigin(uri)
	if origin == "" {
		return ""
	}
	value, lives := v.stateOf(s)
	v.setState(w, value, lives)
	return sessionState(client, origin, value, secret.Text()[:16])
}

// sessionState is the value that frame.js computes again.
func sessionState(client, origin, state, salt string) string {
	sum := sha256.Sum256([]byte(client + " " + origin + " " + state + " " + salt))
	return hex.EncodeToString(sum[:]) + "." + salt
}

// scriptOrigin is the origin of a page as its scripts see it: without a default port.
func scriptOrigin(uri string) string {
	origin := strings.ToLower(clients.Origin(uri))
	u, err := url.Parse(origin)
	if err != nil || origin == "" {
		return ""
	}
	if port := u.Port(); port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http" {
		return strings.TrimSuffix(origin, ":"+port)
	}
	return origin
}
