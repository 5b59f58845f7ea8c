package oidc

import (
	"net/http"
	"slices"
	"strings"

	"tegata/idp/oidc/checksession"
	"tegata/idp/sessions"
)

func (p *Provider) checkSession() checksession.Service {
	return checksession.Service{Seal: p.Once.Seal, Cookies: p.Cookies, Clock: p.Clock, Development: p.Development}
}

// ShowState lets clients' pages notice who is signed in now; nil is nobody.
func (p *Provider) ShowState(w http.ResponseWriter, s *sessions.Session) { p.checkSession().Show(w, s) }

// addSessionState adds session_state to the answer, for that session; nil is nobody. OIDC Session Management §2. A
// refusal has it too: a client that asked silently and heard login_required can wait
// for a log-in.
func (p *Provider) addSessionState(w http.ResponseWriter, a *authorization, s *sessions.Session) {
	asked := slices.Contains(strings.Fields(a.params.Get("scope")), "openid")
	if asked && slices.Contains(a.client.Scopes, "openid") {
		a.back.Session = p.checkSession().State(w, a.client.ID, a.back.URI, s)
	}
}
