package oidc

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tegata/idp/clients"
	"tegata/idp/sessions"
	"tegata/shared/secret"
)

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

// browserState names the session for its browser. It is keyed, since clients know sids.
func (p *Provider) browserState(sid string) string {
	return base64.RawURLEncoding.EncodeToString(p.Once.Seal.MAC("browser state", "", sid)[:16])
}

// ShowState lets clients' pages notice who is signed in now; nil is nobody.
func (p *Provider) ShowState(w http.ResponseWriter, s *sessions.Session) {
	value, lives := p.stateOf(s)
	p.setState(w, value, lives)
}

// stateOf is the browser state, and for how long.
func (p *Provider) stateOf(s *sessions.Session) (value string, lives time.Duration) {
	if s == nil {
		return signedOut, signedOutFor
	}
	return p.browserState(s.ID), s.ExpiresAt.Sub(p.Clock())
}

func (p *Provider) setState(w http.ResponseWriter, value string, lives time.Duration) {
	p.Cookies.SetReadable(w, stateCookie, value, pathSession, lives)
}

// addSessionState adds session_state to the answer: what the client's page shows the
// frame, for this client at this origin alone. OIDC Session Management §2. A refusal has
// it too: a client that asked silently and heard login_required can wait for a log-in.
func (p *Provider) addSessionState(w http.ResponseWriter, a *authorization) {
	origin := scriptOrigin(a.back.uri)
	asked := slices.Contains(strings.Fields(a.params.Get("scope")), "openid")
	if origin == "" || !asked || !slices.Contains(a.client.Scopes, "openid") {
		return
	}
	salt := secret.Text()[:16]
	state, lives := p.stateOf(a.session)
	a.back.session = sessionState(a.client.ID, origin, state, salt)
	p.setState(w, state, lives)
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

//go:embed checksession.js
var checkSessionScript string

// checkSession answers check_session_iframe: a page without words that clients put in
// a frame. It is the one page of ours that others may frame: it shows nothing, and
// answers with one of three words.
func (p *Provider) checkSession(w http.ResponseWriter, r *http.Request) {
	script := strings.ReplaceAll(checkSessionScript, "COOKIE", p.Cookies.ReadableName(stateCookie))
	sum := sha256.Sum256([]byte(script))
	ancestors := "https:"
	if p.Development {
		ancestors += " http:"
	}
	h := w.Header()
	h.Del("X-Frame-Options")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+
		"'; base-uri 'none'; form-action 'none'; frame-ancestors "+ancestors)
	text := "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Session</title></head><body><script>" + script + "</script></body></html>\n"
	tag := sha256.Sum256([]byte(text))
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("ETag", `"`+hex.EncodeToString(tag[:9])+`"`)
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.Write([]byte(text))
}
