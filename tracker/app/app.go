// Package app puts the tracker together: every dependency is filled in here.
//
//	Config    what configs/tracker.yaml may say (config.go)
//	Open      the services, without anything that listens (open.go)
//	New, Run  the whole program (app.go, run.go)
package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tegata/shared/fault"
	"tegata/shared/limit"
	"tegata/shared/page"
	"tegata/shared/program"
	"tegata/shared/serve"
	"tegata/tracker/candidates"
	"tegata/tracker/sso"
	"tegata/tracker/web"
)

// signingAlgs are the algorithms of our own keys: client assertions are ES256.
var signingAlgs = []string{"ES256"}

// loginRule lets a whole classroom behind one address log in at once.
var loginRule = limit.Rule{Name: "tracker login", Burst: 120, Every: time.Second}

// App is the tracker, ready to serve.
type App struct {
	*Services
	*program.Server
	Pages *page.Set
}

// New opens everything, prepares the data and wires the handlers. It listens already
// when Options has no listener, so that a port that is taken shows at once. The
// provider need not be up.
func New(ctx context.Context, cfg Config, o Options) (*App, error) {
	services, err := Open(ctx, cfg, o)
	if err != nil {
		return nil, err
	}
	a := &App{Services: services}
	if err := a.ready(ctx); err != nil {
		return nil, errors.Join(err, services.Close())
	}
	return a, nil
}

func (a *App) ready(ctx context.Context) (err error) {
	if err := a.Keys.Ensure(ctx, signingAlgs...); err != nil {
		return fmt.Errorf("signing keys: %w", err)
	}
	if a.Server, err = program.NewServer(ctx, a.Mechanisms); err != nil {
		return err
	}
	if err := a.mount(); err != nil {
		return err
	}
	return a.Listen()
}

// mount is the wiring diagram of everything that speaks HTTP.
func (a *App) mount() (err error) {
	cookies := serve.Cookies{Secure: a.Config.HTTPS()}
	a.Pages, err = page.New(page.Options{
		Program: "tracker", Templates: []fs.FS{web.Templates()}, Static: web.Static(), Catalog: a.Catalog, Brand: a.Brand,
		Cookies: cookies, Log: a.Log, FooterBase: a.Config.Issuer, Shell: web.Shell, Account: web.Account,
		Clock: a.Clock, Development: a.Config.Development,
	})
	if err != nil {
		return err
	}
	pages := &web.Pages{
		Set: a.Pages, Catalog: a.Catalog, Candidates: a.Candidates, Clock: a.Clock, PublicURL: a.Config.PublicURL,
		Login: sso.LoginPath, Reachable: a.SSO.Provider.Reachable, SignOut: a.SSO.Provider.SignOutOrigin, SignedOut: sso.SignedOut,
		BookedUntil: a.Config.VUEMapping.BookedUntil, GuideURL: a.Config.Guide(), Support: a.Brand.Support.Email,
	}
	logins := sso.Handlers{
		Service: a.SSO, Pages: a.Pages, Cookies: cookies, Programme: a.Config.Programme, Speaks: a.Catalog.Speaks,
		JWKS: http.HandlerFunc(a.jwks), Log: a.Log, Failed: pages.SignInFailed,
		Limit: a.Limit, Rule: loginRule,
	}
	mux := http.NewServeMux()
	a.Health.Mount(mux)
	pages.Mount(mux)
	logins.Mount(mux)
	front, err := a.Front(a.Pages.Status)
	if err != nil {
		return err
	}
	a.Handler = front.Handler(a.Traces.Handler(serve.Chain(serve.Routed(a.Pages.Around(mux)),
		serve.CrossSite(a.Pages.Status), serve.Forms(a.Pages.Status), a.identify(cookies))))
	return nil
}

// identify finds the session of the browser, if it has one, and puts into the context
// who it belongs to: the one place where a cookie becomes somebody who is signed in.
func (a *App) identify(cookies serve.Cookies) serve.Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if token := cookies.Read(r, sso.SessionCookie); token != "" && !strings.HasPrefix(r.URL.Path, "/static/") {
				who, err := a.signedIn(r.Context(), token)
				if err != nil {
					a.Pages.Problem(w, r, err)
					return
				}
				r = r.WithContext(candidates.With(r.Context(), who))
			}
			next.ServeHTTP(w, r)
		})
	}
}

// signedIn gives who is behind a session cookie; nil for a session that is over.
func (a *App) signedIn(ctx context.Context, token string) (*candidates.SignedIn, error) {
	n, err := a.SSO.ByToken(ctx, token)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Expired) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c, err := a.Candidates.ByID(ctx, n.CandidateID)
	if err != nil {
		return nil, err
	}
	who := &candidates.SignedIn{Candidate: c, SessionID: n.ID, Wanted: n.Wanted}
	switch set, err := a.Candidates.Settings(ctx, c.ID); {
	case err == nil:
		who.Language = set.Language
	case !fault.Is(err, fault.NotFound):
		return nil, err
	}
	return who, nil
}

// keysFor is how long the provider may keep our key set.
const keysFor = 5 * time.Minute

// jwks serves our public keys to the provider. It may keep them for a while: a new
// key is published long before it signs.
func (a *App) jwks(w http.ResponseWriter, r *http.Request) {
	set, etag := a.Keys.JWKS()
	a.Keys.Fetched(r.Context(), etag, "")
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "public, max-age="+strconv.Itoa(int(keysFor/time.Second)))
	h.Set("Etag", etag)
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Write(set)
}
