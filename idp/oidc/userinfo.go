package oidc

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"tegata/idp/accounts"
	"tegata/idp/clients"
	"tegata/idp/oidc/claims"
	"tegata/idp/oidc/dpop"
	"tegata/idp/oidc/grants"
	"tegata/idp/oidc/wire"
	"tegata/shared/fault"
)

// userinfo tells the claims that an access token is good for. OIDC Core §5.3; errors
// as RFC 6750 §3 says.
func (p *Provider) userinfo(w http.ResponseWriter, r *http.Request) {
	given, err := accessToken(w, r)
	if err == nil {
		var told claims.Set
		var client *clients.Client
		told, client, err = p.claimsFor(w, r, given)
		p.noteUserinfo(r, client.ID, err)
		if err == nil {
			p.Count("userinfo")
			p.answerUserinfo(w, r, client, told)
			return
		}
	}
	p.challenge(w, r, given, err)
}

// answerUserinfo gives the claims as JSON, or signed or encrypted when the client
// registered that.
// OIDC Core §5.3.2.
func (p *Provider) answerUserinfo(w http.ResponseWriter, r *http.Request, client *clients.Client, told claims.Set) {
	if client.UserinfoAlg == "" && !client.UserinfoEncryption().On() {
		wire.WriteJSON(w, http.StatusOK, told)
		return
	}
	told = append(told, claims.Member{Name: "iss", Value: p.Issuer}, claims.Member{Name: "aud", Value: client.ID})
	text, err := p.claimsText(r.Context(), claimsText{
		typ: "JWT", alg: client.SigningAlg(clients.UserinfoAnswers), client: client, encryption: client.UserinfoEncryption(), claims: told,
	})
	if err != nil {
		p.refuseToken(r.Context(), w, &work{arrived: r}, err)
		return
	}
	wire.WriteText(w, "application/jwt", text)
}

// claimsFor gives the claims and the client that holds the token; when the token is
// refused, the client by its id alone.
func (p *Provider) claimsFor(w http.ResponseWriter, r *http.Request, given presented) (claims.Set, *clients.Client, error) {
	came, account, err := p.bearerOf(w, r, given)
	var client *clients.Client
	if err == nil {
		client, err = p.Clients.ByID(r.Context(), came.Client)
	}
	var single []string
	if err == nil {
		single, err = p.singles(r.Context(), client, came.LogIn.AccountID, came.LogIn.Userinfo)
	}
	if err != nil {
		return nil, &clients.Client{ID: came.Client}, err
	}
	return claims.About(&account, came.LogIn.Subject, came.Scopes, single), client, nil
}

// errTokenOver says of a token that is none, or is none any more, nothing else: not which.
var errTokenOver = wire.Refuse("invalid_token", "The access token is unknown, expired or revoked.").For(clients.ReasonTokenOver)

// bearerOf finds the token and whom it is about, if it is good for userinfo.
func (p *Provider) bearerOf(w http.ResponseWriter, r *http.Request, given presented) (came grants.Token, account accounts.Account, err error) {
	token, err := p.readAccess(r.Context(), given.token)
	if err == nil {
		came, account, err = p.grants.AccessAndAccount(r.Context(), token)
	}
	if fault.Is(err, fault.NotFound) || err == nil && !came.Usable(p.Clock()) {
		return came, account, errTokenOver
	}
	if err != nil {
		return came, account, err
	}
	if !came.Target.Here(p.Issuer) {
		return came, account, wire.Refuse("invalid_token", "The access token is for another resource.")
	}
	if err := p.mayUse(w, r, pathUserinfo, given, came.Bound); err != nil {
		return came, account, err
	}
	if !slices.Contains(came.Scopes, "openid") {
		return came, account, wire.Refuse("insufficient_scope", "The access token was not given for the scope openid.")
	}
	if !came.Person.Active {
		return came, account, errTokenOver
	}
	return came, account, nil
}

// accessToken finds the access token: in the header or, with POST, in the form, and never
// in the URL, where logs and histories keep it (RFC 6750 §2, RFC 9700 §4.3.2).
func accessToken(w http.ResponseWriter, r *http.Request) (presented, error) {
	var all []presented
	if r.URL.Query().Has("access_token") {
		return presented{}, wire.Refuse("invalid_request", "An access token does not belong in a URL.")
	}
	header, err := wire.Authorization(r)
	if err != nil {
		return presented{}, err
	}
	if header != "" {
		scheme, token, _ := strings.Cut(header, " ")
		scheme = strings.ToLower(scheme)
		if scheme != schemeBearer && scheme != schemeDPoP {
			return presented{}, errNoToken
		}
		all = append(all, presented{strings.TrimSpace(token), scheme})
	}
	if r.Method == http.MethodPost && wire.IsForm(r.Header.Get("Content-Type")) {
		if err := wire.ReadForm(w, r); err != nil {
			return presented{}, err
		}
		for _, token := range r.PostForm["access_token"] {
			all = append(all, presented{token, schemeBearer})
		}
	}
	switch {
	case len(all) == 0:
		return presented{}, errNoToken
	case len(all) > 1:
		return presented{}, wire.Refuse("invalid_request", "There is more than one access token.")
	}
	return all[0], nil
}

// errNoToken is answered with a challenge that names no error (RFC 6750 §3.1).
var errNoToken = errors.New("oidc: no access token")

// challenge refuses as RFC 6750 §3 says, or RFC 9449 §7.1 to whoever came with DPoP.
func (p *Provider) challenge(w http.ResponseWriter, r *http.Request, given presented, err error) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if errors.Is(err, errNoToken) {
		h.Set("WWW-Authenticate", `Bearer realm="userinfo"`)
		h.Add("WWW-Authenticate", dpop.Challenge("userinfo", nil))
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	refused := wire.RefusalOf(err)
	p.Count("userinfo_refused." + refused.Code)
	status := refused.Status()
	switch refused.Code {
	case "invalid_token", "invalid_dpop_proof", "use_dpop_nonce":
		status = http.StatusUnauthorized
	case "insufficient_scope":
		status = http.StatusForbidden
	}
	if status >= http.StatusInternalServerError {
		p.Log.ErrorContext(r.Context(), "userinfo failed", "error", err.Error())
	} else if given.scheme == schemeDPoP || errors.Is(err, errNeedsKey) {
		h.Set("WWW-Authenticate", dpop.Challenge("userinfo", refused))
	} else {
		h.Set("WWW-Authenticate", `Bearer realm="userinfo", error="`+refused.Code+`", error_description="`+refused.Why+`"`)
	}
	wire.WriteJSON(w, status, map[string]string{"error": refused.Code, "error_description": refused.Why})
}
