package app

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"tegata/idp/clients"
	"tegata/idp/oidc"
	"tegata/idp/schema"
	"tegata/idp/sessions"
	"tegata/idp/web"
	"tegata/shared/fault"
	"tegata/shared/limit"
	"tegata/shared/page"
	"tegata/shared/serve"
)

// signingAlgs are the algorithms that ID tokens and other answers are signed with.
var signingAlgs = clients.SigningAlgs

// App is the provider, ready to serve.
type App struct {
	*Services
	Handler http.Handler

	listening
	forClients http.Handler // what is left of Handler where certificates are asked for
	health     *serve.Health
	provider   *oidc.Provider
	telemetry  telemetry
}

// New opens everything, prepares the data and wires the handlers. It listens already
// when Options has no listener, so that a port that is taken shows at once.
func New(ctx context.Context, cfg Config, o Options) (*App, error) {
	o = o.orDefault()
	services, err := Open(ctx, cfg, o)
	if err != nil {
		return nil, err
	}
	a := &App{Services: services, listening: listening{listener: o.Listener, mutual: o.Mutual}}
	if err := a.ready(ctx, o.Version); err != nil {
		return nil, errors.Join(err, services.Close())
	}
	return a, nil
}

func (a *App) ready(ctx context.Context, version string) error {
	if err := a.prepare(ctx); err != nil {
		return err
	}
	if err := a.openTLS(); err != nil {
		return err
	}
	if err := a.startTelemetry(ctx, version); err != nil {
		return err
	}
	if err := a.mount(); err != nil {
		return err
	}
	return a.listen()
}

// mount is the wiring diagram of everything that speaks HTTP.
func (a *App) mount() error {
	proxies, err := serve.ParseProxies(a.Config.Proxies.Trusted)
	if err != nil {
		return err
	}
	cookies := serve.Cookies{Secure: a.Config.HTTPS()}
	pages := &web.Pages{
		Accounts: a.Accounts, Interaction: a.Interaction, Sessions: a.Sessions, Clients: a.Clients, Devices: a.Devices,
		Connections: a.Connections, Diary: a.Diary, Once: a.Once, Limit: a.Limit, Frames: a.Farewells.Frames,
		Postbox: a.Postbox, Cookies: cookies, Clock: a.Clock, Issuer: a.Config.Issuer(), Sender: a.Config.Mail.From,
		TermsVersion: a.Config.Terms.Version, TermsURL: a.Config.Terms.URL, PrivacyURL: a.Config.Terms.PrivacyURL,
	}
	pages.Page, err = page.New(page.Options{
		Program: "idp", Templates: []fs.FS{web.Templates()}, Static: web.Static(), Catalog: a.Catalog, Brand: a.Brand,
		Cookies: cookies, Log: a.Log, Account: pages.AccountLanguage, Shell: pages.Shell, Clock: a.Clock, Development: a.Config.Development,
	})
	if err != nil {
		return err
	}
	style, err := pages.Page.Asset("page.css")
	if err != nil {
		return err
	}
	a.provider = &oidc.Provider{
		Issuer: a.Config.Issuer(), Development: a.Config.Development,
		DB: a.DB, Once: a.Once, Keys: a.Keys, Clients: a.Clients, Accounts: a.Accounts, Sessions: a.Sessions,
		Interaction: a.Interaction, Devices: a.Devices, Audit: a.Audit, Clock: a.Clock, Cookies: cookies, Log: a.Log,
		Diary: a.Diary, Farewells: a.Farewells, Leave: pages.Leave, Style: style,
		Problem: pages.Page.Problem, Count: a.telemetry.protocol, DPoPNonce: a.Config.DPoP.Nonce, MTLS: a.Config.TLS.Mutual.PublicURL,
		ResponseTypes: a.Config.ResponseTypes, Limit: a.Limit, Registration: a.registration(),
	}
	pages.ShowState = a.provider.ShowState
	a.health = &serve.Health{Log: a.Log, Checks: a.checks()}
	mux := http.NewServeMux()
	a.health.Mount(mux)
	a.provider.Mount(mux)
	pages.Mount(mux)
	front := serve.Front{
		Log: a.Log, Proxies: proxies, HTTPS: a.Config.HTTPS(), Problem: pages.Page.Status, Observe: a.telemetry.metrics.Request,
	}
	if front.Clients, err = a.clientCertificates(); err != nil {
		return err
	}
	over := func(w http.ResponseWriter) { a.provider.ShowState(w, nil) }
	all := a.telemetry.traces.Handler(a.identify(cookies, pages.Page.Problem, over, serve.Routed(mux)))
	a.Handler, a.forClients = front.Handler(all), front.Handler(forClients(all))
	return nil
}

// registration is who may register a client, and how many in an hour.
func (a *App) registration() oidc.Registration {
	n := a.Config.Registration.PerPlace
	return oidc.Registration{
		Mode:     a.Config.Registration.Mode,
		PerPlace: limit.Rule{Name: "registration.place", Burst: n, Every: time.Hour / time.Duration(n)},
	}
}

// checks is what /readyz asks.
func (a *App) checks() []serve.Check {
	return []serve.Check{
		{Name: "database", Run: a.DB.Ping},
		{Name: "migrations", Run: func(ctx context.Context) error {
			n, err := a.DB.Pending(ctx, schema.FS)
			if err == nil && n != 0 {
				err = errors.New("the database and this program are of different versions")
			}
			return err
		}},
		{Name: "keys", Run: func(ctx context.Context) error {
			for _, alg := range signingAlgs {
				if _, _, err := a.Keys.Signer(ctx, alg); err != nil {
					return err
				}
			}
			return nil
		}},
	}
}

// identify finds the session of the browser, if it has one, and puts it into the
// context: the one place where a cookie becomes somebody who is signed in. A database
// that does not answer makes nobody a stranger: they are told to try again. over hears
// of a cookie whose session has ended.
func (a *App) identify(cookies serve.Cookies, problem func(http.ResponseWriter, *http.Request, error), over func(http.ResponseWriter), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := cookies.Read(r, sessions.CookieName)
		if token == "" || strings.HasPrefix(r.URL.Path, "/static/") {
			next.ServeHTTP(w, r)
			return
		}
		one, err := a.Sessions.ByToken(r.Context(), token)
		switch {
		case err == nil:
			r = r.WithContext(sessions.With(r.Context(), &one))
		case fault.Is(err, fault.Denied):
			over(w) // it ended elsewhere: clients' pages may notice now
		default:
			problem(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}
