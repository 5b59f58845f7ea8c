package oidc

import (
	"context"
	"crypto/x509"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"github.com/ory/fosite"
	"github.com/ory/fosite/handler/oauth2"
	"github.com/ory/fosite/handler/openid"
	"github.com/ory/fosite/handler/pkce"
	"github.com/ory/fosite/token/jwt"

	"tegata/idp/accounts"
	"tegata/idp/clients"
	"tegata/idp/devices"
	"tegata/idp/interaction"
	"tegata/idp/oidc/clientauth"
	"tegata/idp/oidc/grants"
	"tegata/idp/oidc/jwks"
	"tegata/idp/oidc/jws"
	"tegata/idp/oidc/registration"
	"tegata/idp/oidc/sealing"
	"tegata/idp/oidc/singlelogout"
	"tegata/idp/oidc/target"
	"tegata/idp/sessions"
	"tegata/keys"
	"tegata/shared/audit"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/fetch"
	"tegata/shared/limit"
	"tegata/shared/once"
	"tegata/shared/serve"
)

// Lifetimes says how long what we hand out is good for. A zero means the default.
// Refresh tokens live as their client's registration says.
type Lifetimes struct {
	Code   time.Duration // at most a minute; default 60 s (FAPI 2.0 §5.3.2.1)
	Access time.Duration // default 5 min
	ID     time.Duration // default 5 min: it is read once, at the end of a log-in
	Pushed time.Duration // of a pushed request; at most 9 min, default 60 s (FAPI 2.0 §5.3.2.2)
}

func (l Lifetimes) orDefault() Lifetimes {
	for _, f := range []struct {
		value *time.Duration
		want  time.Duration
	}{{&l.Code, time.Minute}, {&l.Access, 5 * time.Minute}, {&l.ID, 5 * time.Minute}, {&l.Pushed, time.Minute}} {
		if *f.value <= 0 {
			*f.value = f.want
		}
	}
	l.Code, l.Pushed = min(l.Code, time.Minute), min(l.Pushed, 9*time.Minute)
	return l
}

// Provider is the OpenID Provider's protocol side. The exported fields are filled
// once; those marked optional may stay empty.
type Provider struct {
	Issuer      string // our public URL, without a slash at its end
	Development bool   // client keys may be fetched from the own machine

	DB          *db.DB
	Once        once.Store
	Keys        *keys.Ring
	Clients     *clients.Registry
	Accounts    *accounts.Service
	Sessions    *sessions.Service
	Interaction *interaction.Service
	Devices     *devices.Service
	Audit       audit.Log
	Clock       clock.Clock
	Cookies     serve.Cookies
	Lifetimes   Lifetimes
	DPoPNonce   bool   // DPoP proofs have to carry a nonce of ours (RFC 9449 §8)
	MTLS        string // optional; where callers may show certificates: the issuer, or the URL of another host of ours
	Authorities bool   // and some authorities' certificates are trusted there

	// Optional; the certificate that the caller of a request proved to have the key of,
	// and what is against believing it, nil when an authority of ours issued it and did not
	// take it back. The front knows, unless they are set.
	ClientCertificate  func(r *http.Request) *x509.Certificate
	CertificateTrusted func(r *http.Request) error

	ResponseTypes []string            // besides code: those of clients.ResponseTypes that are switched on
	Registration  registration.Policy // who may register a client
	Limit         limit.Limiter

	Log      *slog.Logger                                              // optional
	Outbound *http.Client                                              // optional; what fetches client keys
	Count    func(event string)                                        // optional; metrics: "code_issued", "token_refused.invalid_grant" …
	Problem  func(w http.ResponseWriter, r *http.Request, cause error) // shows a fault to a person
	Language func(r *http.Request) string                              // optional; the language of the pages that follow on a request
	Keep     func(r *http.Request, path string) string                 // optional; a page, with the language that the request asks for

	Diary     *clients.Diary                                                                            // optional; what clients' developers see
	Farewells *singlelogout.Farewells                                                                   // optional; tells clients that a session ended
	Style     string                                                                                    // optional; URL of a stylesheet for the page that posts an answer
	Leave     func(w http.ResponseWriter, r *http.Request, frames []clients.Frame, onward string) error // shows the clients' log-out pages, then goes onward; optional
	Stop      Stop                                                                                      // optional; without it people meet Problem, which knows no way on

	engine   *fosite.Fosite
	grants   grants.Store
	subjects subjects
	sealing  *sealing.Keys // of codes and access tokens
	remote   *jwks.Cache
	prover   *clientauth.Prover
	targets  *target.Finder
	signer   *jws.Signer
	quiet    quiet
	repeats  repeats
	kinds    []string                       // response types that are switched on
	document *serve.Document                // what discovery answers
	keySet   atomic.Pointer[serve.Document] // the newest that was asked for
}

// compose puts fosite together by hand: only the handlers we stand behind, every
// setting spelled out. fosite fills in missing settings on first use, from many
// goroutines at once.
func (p *Provider) compose() {
	p.Lifetimes = p.Lifetimes.orDefault()
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	if p.Count == nil {
		p.Count = func(string) {}
	}
	if p.ClientCertificate == nil {
		p.ClientCertificate = func(r *http.Request) *x509.Certificate { return serve.Of(r.Context()).ClientCertificate }
	}
	if p.CertificateTrusted == nil {
		p.CertificateTrusted = func(r *http.Request) error { return serve.Of(r.Context()).ClientTrusted(p.Clock()) }
	}
	if p.Outbound == nil {
		p.Outbound = fetch.Client(p.Development)
	}
	p.remote = &jwks.Cache{Client: p.Outbound, Clock: p.Clock}
	p.prover = &clientauth.Prover{
		Issuer: p.Issuer, Endpoints: []string{p.Issuer + pathToken, p.Issuer + pathPushed}, Clients: p.Clients, Clock: p.Clock, SearchKeys: p.searchKeys,
		Certificate: p.certificateOf, Trusted: func(r *http.Request) error { return p.CertificateTrusted(r) },
	}
	p.targets = &target.Finder{Clients: p.Clients, Issuer: p.Issuer, Lives: p.Lifetimes.Access}
	p.signer = &jws.Signer{Keys: p.Keys}
	p.grants, p.subjects = grants.Store{DB: p.DB}, subjects{DB: p.DB}
	p.sealing = &sealing.Keys{DB: p.DB, Seal: p.Once.Seal, Clock: p.Clock}
	p.kinds = p.switchedOn()
	if p.Limit.DB == nil {
		p.Limit.DB = p.DB
	}
	p.document = p.describe()

	s := p.settings()
	strategy, records := strategy{p}, records{p}
	explicit := &oauth2.AuthorizeExplicitGrantHandler{
		AccessTokenStrategy: strategy, RefreshTokenStrategy: strategy, AuthorizeCodeStrategy: strategy,
		CoreStorage: records, TokenRevocationStorage: records, Config: s,
	}
	identity := &openid.OpenIDConnectExplicitHandler{
		OpenIDConnectRequestStorage:   records,
		OpenIDConnectRequestValidator: &openid.OpenIDConnectRequestValidator{Config: s}, // checks.go did its work
		Config:                        s,
		IDTokenHandleHelper:           &openid.IDTokenHandleHelper{IDTokenStrategy: strategy},
	}
	proof := &pkce.Handler{AuthorizeCodeStrategy: strategy, Storage: records, Config: s}
	s.AuthorizeEndpointHandlers = fosite.AuthorizeEndpointHandlers{explicit, identity, proof}
	s.TokenEndpointHandlers = fosite.TokenEndpointHandlers{explicit, proof, identity, &refreshGrant{p}, &ownGrants{p}}
	p.engine = fosite.NewOAuth2Provider(records, s)
}

// registrations answers clients that register themselves.
func (p *Provider) registrations() *registration.Handler {
	return &registration.Handler{
		Policy: p.Registration, Endpoint: p.Issuer + pathRegister, Setting: p.setting(),
		DB: p.DB, Clients: p.Clients, Audit: p.Audit, Limit: p.Limit, Clock: p.Clock, Outbound: p.Outbound, Log: p.Log, Count: p.Count,
	}
}

// setting is what clients can be registered for: what discovery names.
func (p *Provider) setting() clients.Setting {
	return clients.Setting{Development: p.Development, ResponseTypes: p.kinds, Certificates: p.MTLS != "", Authorities: p.MTLS != "" && p.Authorities}
}

// settings is fosite's configuration with PKCE decided per client.
type settings struct{ *fosite.Config }

// GetEnforcePKCE tells whether the client of the request at hand must use PKCE. A
// setting for all of them would shut out OpenID Connect's confidential clients.
func (settings) GetEnforcePKCE(ctx context.Context) bool {
	var client fosite.Client
	if r, ok := ctx.Value(fosite.AuthorizeRequestContextKey).(fosite.AuthorizeRequester); ok {
		client = r.GetClient()
	} else if r, ok := ctx.Value(fosite.AccessRequestContextKey).(fosite.AccessRequester); ok {
		client = r.GetClient()
	}
	c, ok := client.(*registered)
	return !ok || c.RequirePKCE
}

func (p *Provider) settings() settings {
	return settings{&fosite.Config{
		AuthorizeCodeLifespan: p.Lifetimes.Code,
		AccessTokenLifespan:   p.Lifetimes.Access,
		IDTokenLifespan:       p.Lifetimes.ID,
		IDTokenIssuer:         p.Issuer,
		AccessTokenIssuer:     p.Issuer,
		TokenURL:              p.Issuer + pathToken,

		ScopeStrategy:            fosite.ExactScopeStrategy,
		AudienceMatchingStrategy: fosite.ExactAudienceMatchingStrategy,
		RedirectSecureChecker:    func(context.Context, *url.URL) bool { return true }, // registration checks it
		RefreshTokenScopes:       []string{"offline_access"},
		AllowedPromptValues:      []string{"none", "login", "consent", "select_account", "create"},
		MinParameterEntropy:      1, // state and nonce are the client's business
		OmitRedirectScopeParam:   true,
		SanitationWhiteList:      []string{"redirect_uri"},

		ClientAuthenticationStrategy: p.authenticate,
		ClientSecretsHasher:          noSecrets{}, // clientauth compares digests
		JWKSFetcherStrategy:          noFetcher{}, // jwks fetches
		HTTPClient:                   &retryablehttp.Client{HTTPClient: p.Outbound},

		EnforcePKCEForPublicClients: true, // and S256 only: plain stays off
		JWTScopeClaimKey:            jwt.JWTScopeFieldString,
		MessageCatalog:              noWords{}, // wire has them
		FormPostHTMLTemplate:        template.New("unused"),
		TokenEntropy:                32,
		HashCost:                    12,
		UserCodeLength:              8,
		UserCodeSymbols:             []rune("BCDFGHJKLMNPQRSTVWXZ"),
	}}
}
