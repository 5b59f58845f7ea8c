package oidc

import (
	"context"
	"net/url"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/handler/oauth2"
	"github.com/ory/fosite/handler/openid"

	"tegata/shared/fault"
	"tegata/shared/once"
	"tegata/shared/secret"
)

var (
	_ oauth2.CoreStrategy               = strategy{}
	_ openid.OpenIDConnectTokenStrategy = strategy{}
)

// codes is the purpose of authorization codes. A used one is kept for a day by
// whoever sweeps, so that a second use is still recognized (RFC 6749 §4.1.2).
const codes once.Purpose = "authorization_code"

// KeepCodes is how long used codes have to be kept at least.
const KeepCodes = 24 * time.Hour

// issued is what an authorization code stands for: all that the token endpoint needs
// of the authorization request, encoded once, in one row.
type issued struct {
	Client      string   `json:"client"`
	RedirectURI string   `json:"redirect_uri"`
	Scopes      []string `json:"scopes,omitempty"`
	Challenge   string   `json:"challenge,omitempty"` // S256
	Session     *session `json:"session"`
}

// strategy makes the codes and tokens that fosite asks for. They are id.secret: the
// id finds the row, so where fosite speaks of a signature it gets the token itself.
// Whether one is good is the storage's business.
type strategy struct{ p *Provider }

// GenerateAuthorizeCode writes the row and gives its token. fosite would first make a
// code and then store three records about it.
func (s strategy) GenerateAuthorizeCode(ctx context.Context, r fosite.Requester) (token, signature string, err error) {
	form, about := r.GetRequestForm(), r.GetSession().(*session)
	code, err := s.p.Once.Issue(ctx, once.New{
		Purpose: codes,
		Lives:   s.p.Lifetimes.Code,
		Payload: issued{
			Client:      r.GetClient().GetID(),
			RedirectURI: form.Get("redirect_uri"),
			Scopes:      r.GetGrantedScopes(),
			Challenge:   form.Get("code_challenge"),
			Session:     about,
		},
	}, s.p.Clock())
	text := code.String()
	return text, text, err
}

func (strategy) AuthorizeCodeSignature(_ context.Context, token string) string { return token }
func (strategy) AccessTokenSignature(_ context.Context, token string) string   { return token }
func (strategy) RefreshTokenSignature(_ context.Context, token string) string  { return token }

func (strategy) ValidateAuthorizeCode(context.Context, fosite.Requester, string) error { return nil }
func (strategy) ValidateAccessToken(context.Context, fosite.Requester, string) error   { return nil }
func (strategy) ValidateRefreshToken(context.Context, fosite.Requester, string) error  { return nil }

// GenerateAccessToken makes a token and notes it for the row that redeem writes. The
// handlers that are not fosite's have found out already what it is for.
func (s strategy) GenerateAccessToken(ctx context.Context, r fosite.Requester) (token, signature string, err error) {
	w, about := workOf(ctx), r.GetSession().(*session)
	if w.target == nil {
		form := url.Values{"resource": w.form["resource"], "authorization_details": w.form["authorization_details"]}
		most := granted{Scopes: r.GetGrantedScopes(), Resources: about.Resources, Details: about.Details}
		aimed, err := s.p.aim(ctx, &w.client.Client, form, most)
		if err != nil {
			return "", "", err
		}
		w.target = &aimed
	}
	text, err := s.p.mint(ctx, w, about)
	return text, text, err
}

// GenerateRefreshToken is GenerateAccessToken for the other kind.
func (s strategy) GenerateRefreshToken(ctx context.Context, _ fosite.Requester) (token, signature string, err error) {
	w := workOf(ctx)
	switch {
	case w.refreshed == nil:
		w.refresh = secret.NewToken()
	case !w.repeated:
		w.refresh = s.p.following(w, secret.NewID())
	}
	text := w.refresh.String()
	return text, text, nil
}

// lookUpCode finds what a code stands for, once per request. A code that is over
// still gives its request along with fosite.ErrInvalidatedAuthorizeCode.
func (p *Provider) lookUpCode(ctx context.Context, code string) (fosite.Requester, error) {
	w := workOf(ctx)
	if w.request != nil || w.looked != nil {
		return w.found(w.looked)
	}
	ticket, err := p.Once.Look(ctx, codes, code, p.Clock())
	switch {
	case ticket.SpentAt != nil && !ticket.Replaced:
		w.looked = fosite.ErrInvalidatedAuthorizeCode
	case fault.Is(err, fault.NotFound), fault.Is(err, fault.Expired), fault.Is(err, fault.Conflict):
		w.looked = fosite.ErrNotFound
		return nil, w.looked
	case err != nil:
		return nil, err
	}
	var stands issued
	if err := ticket.Read(&stands); err != nil {
		return nil, err
	}
	client, err := p.Clients.ByID(ctx, stands.Client)
	if fault.Is(err, fault.NotFound) {
		client.ID, err = stands.Client, nil // gone since: it is nobody's code now
	}
	if err != nil {
		return nil, err
	}
	w.ticket, w.request = ticket, stands.request(ticket, &registered{client})
	return w.found(w.looked)
}

// found gives nil as an interface when there is nothing.
func (w *work) found(err error) (fosite.Requester, error) {
	if w.request == nil {
		return nil, err
	}
	return w.request, err
}

// request turns the record into what fosite's handlers compare with.
func (i issued) request(t once.Ticket, client fosite.Client) *fosite.Request {
	form := url.Values{"redirect_uri": {i.RedirectURI}}
	if i.Challenge != "" {
		form["code_challenge"], form["code_challenge_method"] = []string{i.Challenge}, []string{"S256"}
	}
	return &fosite.Request{
		ID: t.ID, RequestedAt: t.CreatedAt, Client: client,
		RequestedScope: i.Scopes, GrantedScope: i.Scopes,
		Form: form, Session: i.Session,
	}
}
