package oidc

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v3"
	"github.com/ory/fosite"
	"github.com/ory/fosite/handler/oauth2"
	"github.com/ory/fosite/handler/openid"
	"github.com/ory/fosite/handler/pkce"
	bcp47 "golang.org/x/text/language"

	"tegata/idp/clients"
)

var (
	_ fosite.Storage                     = records{}
	_ oauth2.CoreStorage                 = records{}
	_ oauth2.TokenRevocationStorage      = records{}
	_ openid.OpenIDConnectRequestStorage = records{}
	_ pkce.PKCERequestStorage            = records{}
	_ fosite.Client                      = (*registered)(nil)
	_ fosite.ResponseModeClient          = (*registered)(nil)
)

// records is the storage that fosite sees. Reading a code happens here; everything
// that fosite wants written is already noted in the request's work, and redeem writes
// all of it in one transaction when the answer is ready. So nothing is signed while
// the database waits, and a code, its PKCE challenge and its OpenID Connect session
// are one thing that lives and dies at once (fosite #778, #883).
type records struct{ p *Provider }

// errNotHere answers what fosite may ask of handlers that we do not use.
var errNotHere = errors.New("oidc: this grant has no storage")

// GetClient gives a registered client.
func (s records) GetClient(ctx context.Context, id string) (fosite.Client, error) {
	c, err := s.p.Clients.ByID(ctx, id)
	if err != nil {
		return nil, err
	}
	return &registered{c}, nil
}

// GetAuthorizeCodeSession finds what the code stands for.
func (s records) GetAuthorizeCodeSession(ctx context.Context, code string, _ fosite.Session) (fosite.Requester, error) {
	return s.p.lookUpCode(ctx, code)
}

// GetOpenIDConnectSession gives the same record, if it is about OpenID Connect.
func (s records) GetOpenIDConnectSession(ctx context.Context, code string, _ fosite.Requester) (fosite.Requester, error) {
	r, err := s.p.lookUpCode(ctx, code)
	if err == nil && !r.GetGrantedScopes().Has("openid") {
		return nil, openid.ErrNoSessionFound
	}
	return r, err
}

// GetPKCERequestSession gives the same record, if it has a challenge.
func (s records) GetPKCERequestSession(ctx context.Context, code string, _ fosite.Session) (fosite.Requester, error) {
	r, err := s.p.lookUpCode(ctx, code)
	if err == nil && r.GetRequestForm().Get("code_challenge") == "" {
		return nil, fosite.ErrNotFound
	}
	return r, err
}

// What is noted already, or stands in the code.

func (records) CreateAuthorizeCodeSession(context.Context, string, fosite.Requester) error {
	return nil // the code says it
}
func (records) InvalidateAuthorizeCodeSession(context.Context, string) error {
	return nil // its grant does
}
func (records) CreateOpenIDConnectSession(context.Context, string, fosite.Requester) error {
	return nil
}
func (records) DeleteOpenIDConnectSession(context.Context, string) error { return nil }
func (records) CreatePKCERequestSession(context.Context, string, fosite.Requester) error {
	return nil
}
func (records) DeletePKCERequestSession(context.Context, string) error { return nil }
func (records) CreateAccessTokenSession(context.Context, string, fosite.Requester) error {
	return nil
}
func (records) CreateRefreshTokenSession(context.Context, string, string, fosite.Requester) error {
	return nil
}

// RevokeAccessToken and RevokeRefreshToken are called when a used code comes again;
// redeem ends the whole grant then.
func (records) RevokeAccessToken(context.Context, string) error  { return nil }
func (records) RevokeRefreshToken(context.Context, string) error { return nil }

// What fosite's handlers for other grants would ask.

func (records) GetAccessTokenSession(context.Context, string, fosite.Session) (fosite.Requester, error) {
	return nil, errNotHere
}
func (records) DeleteAccessTokenSession(context.Context, string) error { return errNotHere }
func (records) GetRefreshTokenSession(context.Context, string, fosite.Session) (fosite.Requester, error) {
	return nil, errNotHere
}
func (records) DeleteRefreshTokenSession(context.Context, string) error        { return errNotHere }
func (records) RotateRefreshToken(context.Context, string, string) error       { return errNotHere }
func (records) ClientAssertionJWTValid(context.Context, string) error          { return errNotHere }
func (records) SetClientAssertionJWT(context.Context, string, time.Time) error { return errNotHere }

// noWords keeps fosite from looking in each request for the language of its messages,
// which nobody gets to see.
type noWords struct{}

func (noWords) GetMessage(id string, _ bcp47.Tag, _ ...any) string { return id }
func (noWords) GetLangFromRequest(*http.Request) bcp47.Tag         { return bcp47.English }

// noSecrets refuses whatever fosite's own client authentication would compare.
type noSecrets struct{}

func (noSecrets) Compare(context.Context, []byte, []byte) error { return errNotHere }
func (noSecrets) Hash(context.Context, []byte) ([]byte, error)  { return nil, errNotHere }

// noFetcher refuses to fetch keys for fosite: it would parse them with go-jose v3.
type noFetcher struct{}

func (noFetcher) Resolve(context.Context, string, bool) (*jose.JSONWebKeySet, error) {
	return nil, errNotHere
}

// registered is a client as fosite wants it. It is no OpenIDConnectClient on purpose:
// then fosite reads neither request objects nor keys of clients.
type registered struct{ *clients.Client }

func (c *registered) GetID() string                      { return c.ID }
func (c *registered) GetHashedSecret() []byte            { return nil }
func (c *registered) GetRedirectURIs() []string          { return c.RedirectURIs }
func (c *registered) GetGrantTypes() fosite.Arguments    { return c.GrantTypes }
func (c *registered) GetResponseTypes() fosite.Arguments { return fosite.Arguments{"code"} } // all that it is asked for
func (c *registered) GetScopes() fosite.Arguments        { return c.Scopes }
func (c *registered) IsPublic() bool                     { return c.Public() }
func (c *registered) GetAudience() fosite.Arguments      { return nil }

// GetResponseModes gives the modes for response type code.
func (c *registered) GetResponseModes() []fosite.ResponseModeType {
	return []fosite.ResponseModeType{fosite.ResponseModeDefault, fosite.ResponseModeQuery, fosite.ResponseModeFormPost}
}
