package oidc

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"tegata/idp/clients"
	"tegata/idp/connections"
	"tegata/idp/oidc/claims"
	"tegata/idp/oidc/grants"
	"tegata/idp/oidc/reply"
	"tegata/idp/oidc/tokens"
	"tegata/idp/oidc/wire"
	"tegata/idp/sessions"
	"tegata/shared/fault"
	"tegata/shared/secret"
)

// switchedOn is what may be asked for here: the code always, the rest when the
// operator says so. A token that travels through the browser can leak there (RFC 9700
// §2.1.2), so a client has to be registered for it as well.
func (p *Provider) switchedOn() []string {
	on := []string{"code"}
	for _, one := range clients.ResponseTypes[1:] {
		if slices.Contains(p.ResponseTypes, one) {
			on = append(on, one)
		}
	}
	return on
}

// modeOf tells how the answer to a request travels, errors too: one about a token or an ID
// token in the fragment, whether or not that exists here (RFC 6749 §4.2.2.1), and one about
// a code in the query unless the request says otherwise.
func modeOf(responseType, mode string) string {
	kind := strings.Fields(responseType)
	switch {
	case mode == reply.FormPost:
		return reply.FormPost
	case mode == reply.Fragment, slices.Contains(kind, "token"), slices.Contains(kind, "id_token"):
		return reply.Fragment
	}
	return reply.Query
}

// wants tells whether the response type has the word.
func (a *authorization) wants(word string) bool {
	return slices.Contains(strings.Fields(a.kind), word)
}

// checkFrontChannel holds requests that bring an ID token through the browser to what
// OIDC Core §3.2.2.1 and §3.3.2.11 want: without a nonce anybody could replay it.
func checkFrontChannel(_ *Provider, a *authorization) error {
	switch {
	case a.kind == "code":
		return nil
	case !slices.Contains(a.scopes, "openid"):
		return wire.Refuse("invalid_scope", "This response type needs the scope openid.")
	case a.wants("id_token") && a.params.Get("nonce") == "":
		return wire.Refuse("invalid_request", "This response type needs a nonce.")
	case a.wants("token") && (a.client.DPoPBound || a.client.CertificateBound):
		return wire.Refuse("unsupported_response_type", "Tokens of this client are bound to a key, and no key comes this way.")
	}
	return nil
}

// checkFrontTarget keeps an access token that comes through the browser at our own endpoints:
// it is of no resource's format, and its answer has no place for details (RFC 9396 §7). So it
// is told before anybody is asked to allow what the token could not carry.
func (a *authorization) checkFrontTarget() error {
	switch {
	case !a.wants("token"):
		return nil
	case len(a.resources) > 0:
		return wire.Refuse("invalid_target", "Tokens for resources come from the token endpoint.")
	case len(a.details) > 0:
		return wire.Refuse("invalid_authorization_details", "Tokens with authorization_details come from the token endpoint.")
	}
	return nil
}

// given is what an authorization request leads to: a code, an access token, both, or
// only the right to an ID token.
type given struct {
	session *sessions.Session // that it is for
	about   *session
	code    string
	access  string
}

// writeFrontToken makes the access token of a hybrid or implicit answer. It has a grant
// of its own: the code's is made when the code is redeemed. With that one it ends, when a
// refresh token is revoked or the code comes twice. RFC 6749 §4.1.2, RFC 7009 §2.1.
func (p *Provider) writeFrontToken(ctx context.Context, a *authorization, about *session) (string, error) {
	now, id := p.Clock(), secret.NewID()
	if about.grant != "" {
		id = grants.Front(about.grant)
	}
	g := grants.Grant{
		ID: id, Client: a.client.ID, Registered: a.client.RegisteredAt, Scopes: a.scopes, LogIn: &about.LogIn,
		ExpiresAt: now.Add(p.Lifetimes.Access),
	}
	err := p.grants.Insert(ctx, g, now)
	if fault.Is(err, fault.Expired) {
		return "", wire.RefuseAs("login_required").Because(err)
	}
	if err != nil {
		return "", err
	}
	return p.seal(ctx, grants.AccessToken{ID: secret.NewID(), Grant: g.ID, Issued: now.UnixMicro(), Expires: g.ExpiresAt.UnixMicro()})
}

// noteFrontIDToken remembers who learns of the session by an ID token, with which no
// grant needs to come, so that the client is told when the session ends.
func (p *Provider) noteFrontIDToken(ctx context.Context, a *authorization, about *session) error {
	err := connections.Note(ctx, p.DB, connections.Use{
		SessionID: about.SID, ClientID: a.client.ID, AccountID: about.AccountID, Subject: about.Subject, Scopes: a.told(),
		AskedAt: p.Clock(),
	}, p.Clock())
	if fault.Is(err, fault.Expired) {
		return wire.RefuseAs("login_required").Because(err)
	}
	return err
}

// parameters are the members of the answer, in the order of OIDC Core §3.3.2.5. The ID
// token is signed here, after all that is written is written.
func (p *Provider) parameters(ctx context.Context, a *authorization, g given) ([][2]string, error) {
	var answer [][2]string
	if g.code != "" {
		answer = append(answer, [2]string{"code", g.code})
	}
	if g.access != "" {
		answer = append(answer, [2]string{"access_token", g.access}, [2]string{"token_type", "Bearer"},
			[2]string{"expires_in", seconds(p.Lifetimes.Access)}, [2]string{"scope", strings.Join(a.scopes, " ")})
	}
	if !a.wants("id_token") {
		return answer, nil
	}
	token, err := p.frontIDToken(ctx, a, g)
	if err != nil {
		return nil, err
	}
	return append(answer, [2]string{"id_token", token}), nil
}

// frontIDToken makes the ID token that travels with a code or token, whose hashes it
// has, so that nobody can put others in their place (OIDC Core §3.2.2.10, §3.3.2.11).
// Without an access token there is no userinfo, so it has the claims of the scopes
// (OIDC Core §5.4).
func (p *Provider) frontIDToken(ctx context.Context, a *authorization, g given) (string, error) {
	token := p.idTokenClaims(a.client, g.about, g.about.grant, p.Lifetimes.ID)
	if g.code != "" {
		token.CodeHash = tokens.LeftHash(a.client.IDTokenAlg, g.code)
	}
	if g.access != "" {
		token.AccessHash = tokens.LeftHash(a.client.IDTokenAlg, g.access)
	}
	var more []string
	if a.kind == "id_token" {
		more = claims.OfScopes(a.scopes)
	}
	if err := p.addSingles(ctx, &token, a.client, g.about, more); err != nil {
		return "", err
	}
	text, err := p.sign(ctx, a.client.IDTokenAlg, "JWT", token)
	if err != nil {
		return "", err
	}
	return p.encrypted(ctx, a.client, a.client.IDTokenEncryption(), text)
}

// give makes what was asked for, for who is signed in. Code and token are both
// written, or none; a pushed request ends with them.
func (p *Provider) give(ctx context.Context, a *authorization, v visitor) (g given, err error) {
	if err := a.meets(v.session); err != nil {
		return given{}, err
	}
	if a.kind == "code" && a.pushed == nil {
		return p.issue(ctx, a, v)
	}
	if err := p.sealing.Ready(ctx); err != nil {
		return given{}, err
	}
	err = p.DB.Tx(ctx, func(ctx context.Context) error {
		if err := p.spendPushed(ctx, a.pushed); err != nil {
			return err
		}
		if a.kind != "code" { // else when the code is redeemed
			if err := p.Clients.Used(ctx, a.client); err != nil {
				return err
			}
		}
		about, err := p.about(ctx, a, v)
		if err != nil {
			return err
		}
		g = given{session: v.session, about: about}
		if a.wants("code") {
			if g, err = p.issue(ctx, a, v); err != nil {
				return err
			}
		}
		if a.wants("token") {
			if g.access, err = p.writeFrontToken(ctx, a, g.about); err != nil {
				return err
			}
		}
		if a.wants("id_token") {
			return p.noteFrontIDToken(ctx, a, g.about)
		}
		return nil
	})
	return g, err
}

// about is what codes and tokens say about the log-in.
func (p *Provider) about(ctx context.Context, a *authorization, v visitor) (*session, error) {
	subject, err := p.subject(ctx, a.client, v.known.Account)
	if err != nil {
		return nil, err
	}
	return &session{LogIn: grants.LogIn{
		AccountID: v.known.Account.ID, Subject: subject, SID: v.session.ID,
		AuthTime: v.session.AuthTime, ACR: v.session.ACR, AMR: v.session.AMR,
		Nonce: a.params.Get("nonce"), Userinfo: a.claims.Userinfo, IDToken: a.claims.IDToken,
		Resources: a.resources, Details: a.details, DPoPKey: a.params.Get("dpop_jkt"),
	}}, nil
}

var errNoPerson = errors.New("oidc: nobody is signed in")

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }
