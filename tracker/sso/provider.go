package sso

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"tegata/shared/clock"
	"tegata/shared/fault"
)

const (
	connectTimeout = 5 * time.Second
	// metadataLives is how long discovery is believed without asking again.
	metadataLives = 10 * time.Minute
	maxAnswer     = 1 << 20 // bytes of any answer of the provider
)

// Provider is the OpenID Provider as the tracker knows it. Nothing is fetched before
// it is needed, so that the tracker starts while the provider is still down.
type Provider struct {
	Issuer      string // compared as it stands, slash or no slash
	ClientID    string
	RedirectURI string
	Clock       clock.Clock
	PlainHTTP   bool              // development only: endpoints need not be https
	Transport   http.RoundTripper // nil means the default one

	known  atomic.Pointer[connection]
	asking singleflight.Group
}

// connection is the provider's metadata with what is made of it.
type connection struct {
	rp           rp.RelyingParty
	keys         oidc.KeySet
	issParameter bool // authorization responses carry iss (RFC 9207 §3)
	fetchedAt    time.Time
}

// metadata is discovery with the member that the library does not know.
type metadata struct {
	oidc.DiscoveryConfiguration
	IssParameter bool `json:"authorization_response_iss_parameter_supported"`
}

// connect gives the provider's metadata, fetched now if it is missing or old. An old
// one serves on when the provider does not answer; without any it gives fault.Busy.
func (p *Provider) connect(ctx context.Context) (*connection, error) {
	c := p.known.Load()
	if c != nil && p.Clock().Sub(c.fetchedAt) < metadataLives {
		return c, nil
	}
	fresh, err, _ := p.asking.Do("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectTimeout)
		defer cancel()
		return p.fetch(ctx)
	})
	if err == nil {
		c = fresh.(*connection)
		p.known.Store(c)
		return c, nil
	}
	if c != nil && !errors.Is(err, errMetadata) {
		return c, nil
	}
	busy := fault.Wrap(fault.Busy, "signin.unreachable", err)
	busy.RetryAfter = 5 * time.Second
	return nil, busy
}

// Reachable tells whether the provider was ever reached; the start page says so kindly
// when it was not.
func (p *Provider) Reachable() bool { return p.known.Load() != nil }

// Watch asks for the metadata until it has it once, with longer and longer pauses, so
// that the first person finds the way open. It ends with ctx.
func (p *Provider) Watch(ctx context.Context, log *slog.Logger) {
	for pause := time.Second; ; pause = min(2*pause, 30*time.Second) {
		_, err := p.connect(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		log.WarnContext(ctx, "the provider does not answer yet", "issuer", p.Issuer, "cause", err, "next", pause)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// errMetadata marks metadata that came but must not be used.
var errMetadata = errors.New("provider metadata refused")

func (p *Provider) fetch(ctx context.Context) (*connection, error) {
	web := p.client()
	var m metadata
	if err := getJSON(ctx, web, strings.TrimSuffix(p.Issuer, "/")+oidc.DiscoveryEndpoint, &m); err != nil {
		return nil, err
	}
	if err := p.check(m); err != nil {
		return nil, err
	}
	party, err := rp.NewRelyingPartyOIDC(ctx, p.Issuer, p.ClientID, "", p.RedirectURI,
		[]string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail},
		rp.WithHTTPClient(web), rp.WithAuthStyle(oauth2.AuthStyleInParams), rp.WithVerifierOpts(rp.WithSupportedSigningAlgorithms(idTokenAlg)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errMetadata, err)
	}
	return &connection{
		rp: party, keys: rp.NewRemoteKeySet(web, m.JwksURI), issParameter: m.IssParameter, fetchedAt: p.Clock(),
	}, nil
}

// check refuses metadata of another issuer (RFC 8414 §3.3) and endpoints that nobody
// should send a code to.
func (p *Provider) check(m metadata) error {
	if m.Issuer != p.Issuer {
		return fmt.Errorf("%w: issuer is %q, want exactly %q", errMetadata, m.Issuer, p.Issuer)
	}
	for name, endpoint := range map[string]string{
		"authorization_endpoint": m.AuthorizationEndpoint, "token_endpoint": m.TokenEndpoint,
		"userinfo_endpoint": m.UserinfoEndpoint, "jwks_uri": m.JwksURI,
	} {
		if !p.usable(endpoint) {
			return fmt.Errorf("%w: %s is %q", errMetadata, name, endpoint)
		}
	}
	if m.EndSessionEndpoint != "" && !p.usable(m.EndSessionEndpoint) {
		return fmt.Errorf("%w: end_session_endpoint is %q", errMetadata, m.EndSessionEndpoint)
	}
	return nil
}

func (p *Provider) usable(endpoint string) bool {
	u, err := url.Parse(endpoint)
	return err == nil && u.Host != "" && u.Fragment == "" && (u.Scheme == "https" || p.PlainHTTP && u.Scheme == "http")
}

// client makes the HTTP client for the provider: bounded in time and size, and it
// follows no redirects, since no endpoint of a provider has a reason to send one.
func (p *Provider) client() *http.Client {
	on := p.Transport
	if on == nil {
		on = http.DefaultTransport
	}
	return &http.Client{
		Timeout:       10 * time.Second,
		Transport:     bounded{on},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// bounded cuts answers that are too long.
type bounded struct{ on http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.on.RoundTrip(r)
	if err == nil {
		answer.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(answer.Body, maxAnswer), answer.Body}
	}
	return answer, err
}

func getJSON(ctx context.Context, web *http.Client, from string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return err
	}
	answer, err := web.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", from, answer.Status)
	}
	return json.NewDecoder(answer.Body).Decode(into)
}
