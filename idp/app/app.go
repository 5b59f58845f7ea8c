package app

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"time"

	"tegata/idp/clients"
	"tegata/idp/oidc"
	"tegata/idp/oidc/registration"
	"tegata/idp/sessions"
	"tegata/idp/web"
	"tegata/shared/fault"
	"tegata/shared/limit"
	"tegata/shared/page"
	"tegata/shared/program"
	"tegata/shared/serve"
)

// signingAlgs are the algorithms that ID tokens and other answers are signed with.
var signingAlgs = clients.SigningAlgs

// App is the provider, ready to serve.
type App struct {
	*Services
	*program.Server

	mutual     net.Listener            // asks callers for a certificate; nil when there is none
	watches    []func(context.Context) // look after whose certificates are believed
	forClients http.Handler            // what is left of Handler there
	provider   *oidc.Provider
	protocol   func(event string) // counts what happened at the protocol's endpoints
}

// New opens everything, prepares the data and wires the handlers. It listens already
// when Options has no listener, so that a port that is taken shows at once.
func New(ctx context.Context, cfg Config, o Options) (*App, error) {
	services, err := Open(ctx, cfg, o)
	if err != nil {
		return nil, err
	}
	a := &App{Services: services, mutual: o.Mutual}
	if err := a.ready(ctx); err != nil {
		return nil, errors.Join(err, services.Close())
	}
	return a, nil
}

func (a *App) ready(ctx context.Context) (err error) {
	if err := a.prepare(ctx); err != nil {
		return err
	}
	if a.Server, err = program.NewServer(ctx, a.Mechanisms); err != nil {
		return err
	}
	a.measure()
	if err := a.mount(); err != nil {
		return err
	}
	if err := a.Listen(); err != nil {
		return err
	}
	return a.listenMutual()
}

// measure adds to the metrics what only the provider has.
func (a *App) measure() {
	a.Metrics.GaugeBy("tegata_outbox_messages", "Messages by state.", "state", a.Outbox.Counts)
	a.Metrics.Count("tegata_password_hashes_total", "Password hashes computed.", func() float64 { return float64(a.Hasher.Computed()) })
	a.protocol = a.Metrics.Counter("tegata_protocol_events_total", "What happened at the protocol's endpoints, with the reason of refusals.", "event")
}

// mount is the wiring diagram of everything that speaks HTTP.
func (a *App) mount() (err error) {
	cookies := serve.Cookies{Secure: a.Config.HTTPS()}
	pages := &web.Pages{
		Accounts: a.Accounts, Interaction: a.Interaction, Sessions: a.Sessions, Clients: a.Clients, Devices: a.Devices,
		Connections: a.Connections, Diary: a.Diary, Once: a.Once, Limit: a.Limit, Frames: a.Farewells.Frames,
		Postbox: a.Postbox, Cookies: cookies, Clock: a.Clock, Issuer: a.Config.Issuer(), Sender: a.Config.Mail.From,
		TermsVersion: a.Config.Terms.Version, TermsURL: a.Config.Terms.URL, PrivacyURL: a.Config.Terms.PrivacyURL,
	}
	pages.Page, err = page.New(page.Options{
		Program: "idp", Templates: []fs.FS{web.Templates()}, Static: web.Static(), Catalog: a.Catalog, Brand: a.Brand,
		Cookies: cookies, Log: a.Log, Account: pages.AccountLanguage, UILocales: pages.UILocales, Shell: pages.Shell, Clock: a.Clock, Development: a.Config.Development,
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
		Diary: a.Diary, Farewells: a.Farewells, Leave: pages.Leave, Stop: pages.Stop, Style: style,
		Problem: pages.Page.Problem, Language: pages.Page.Language, Keep: pages.Page.Keep, Count: a.protocol, DPoPNonce: a.Config.DPoP.Nonce,
		MTLS: a.Config.TLS.Mutual.PublicURL, Authorities: a.Config.Setting().Authorities,
		ResponseTypes: a.Config.ResponseTypes, Limit: a.Limit, Registration: a.registration(),
	}
	pages.ShowState = a.provider.ShowState
	mux := http.NewServeMux()
	a.Health.Mount(mux)
	a.provider.Mount(mux)
	pages.Mount(mux)
	front, err := a.Front(oidc.Problems(pages.Page.Status))
	if err != nil {
		return err
	}
	if front.Clients, err = a.clientCertificates(); err != nil {
		return err
	}
	over := func(w http.ResponseWriter) { a.provider.ShowState(w, nil) }
	all := a.Traces.Handler(a.identify(cookies, pages.Page.Problem, over, serve.Routed(mux)))
	a.Handler, a.forClients = front.Handler(all), front.Handler(forClients(all))
	return nil
}

// registration is who may register a client, and how many in an hour.
func (a *App) registration() registration.Policy {
	n := a.Config.Registration.PerPlace
	return registration.Policy{
		Mode:     a.Config.Registration.Mode,
		PerPlace: limit.Rule{Name: "registration.place", Burst: n, Every: time.Hour / time.Duration(n)},
	}
}

// identify finds the session of the browser, if it has one, and puts it into the
// context: the one place where a cookie becomes somebody who is signed in. A database
// that does not answer makes nobody a stranger: they are told to try again. over hears
// of a cookie whose session has ended. Where only programs call, for what is the same for
// everybody, and where the handler looks by itself, nobody is looked for.
func (a *App) identify(cookies serve.Cookies, problem func(http.ResponseWriter, *http.Request, error), over func(http.ResponseWriter), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if oidc.FindsSession(r.URL.Path) || strings.HasPrefix(r.URL.Path, "/static/") {
			next.ServeHTTP(w, r)
			return
		}
		token := cookies.Read(r, sessions.CookieName)
		if token == "" {
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
