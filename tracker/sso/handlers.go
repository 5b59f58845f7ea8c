package sso

import (
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"tegata/shared/fault"
	"tegata/shared/limit"
	"tegata/shared/page"
	"tegata/shared/secret"
	"tegata/shared/serve"
)

// The names of our cookies.
const (
	SessionCookie = "tegata_tracker_session"
	browserCookie = "tegata_tracker_browser"
)

// Handlers is the HTTP side of a Service.
type Handlers struct {
	Service   *Service
	Pages     *page.Set
	Cookies   serve.Cookies
	Programme string // first part of the log-in address: /cisco/ja/login
	Speaks    func(language string) bool
	JWKS      http.Handler
	Log       *slog.Logger
	Limit     limit.Limiter
	Rule      limit.Rule // how often one place may begin a log-in

	// Failed shows why a log-in ended and how to start it again.
	Failed func(w http.ResponseWriter, r *http.Request, why error, again string) error
}

// login starts a log-in: from our own pages, from the provider or anybody else
// (initiate login, OIDC Core §4), or from the address of the programme. Somebody who
// is signed in goes through it too: at the provider that takes no typing, and it ends
// with the right person when two share a computer.
func (h Handlers) login(w http.ResponseWriter, r *http.Request) error {
	if err := h.Limit.Take(r.Context(), h.Rule, serve.Of(r.Context()).Place, h.Service.Clock()); err != nil {
		return err // each log-in is a row: nobody may fill the database with them
	}
	q := r.URL.Query()
	if iss := q.Get("iss"); q.Has("iss") && iss != h.Service.Provider.Issuer {
		return h.Failed(w, r, refused("log-in for another issuer: %s", printable(iss)), LoginPath(""))
	}
	wanted, err := LocalPath(h.Service.PublicURL, q.Get("target_link_uri"))
	if err != nil {
		return h.Failed(w, r, err, LoginPath(""))
	}
	to, err := h.Service.Begin(r.Context(), Wish{
		Browser: h.browser(w, r), Wanted: wanted, LoginHint: q.Get("login_hint"), UILocales: page.Language(r),
	})
	if fault.Is(err, fault.Busy) {
		h.note(r, err)
		return h.Failed(w, r, err, LoginPath(wanted))
	}
	if err != nil {
		return err
	}
	return h.Pages.See(w, r, to)
}

// programmeLogin is login at /{programme}/{lang}/login (S-181): the language of the
// address counts and is remembered.
func (h Handlers) programmeLogin(w http.ResponseWriter, r *http.Request) {
	lang := r.PathValue("lang")
	if !h.Speaks(lang) {
		h.Pages.Status(w, r, http.StatusNotFound)
		return
	}
	q := r.URL.Query()
	q.Set("ui_locales", lang)
	r.URL.RawQuery = q.Encode()
	h.Pages.Handler(h.login).ServeHTTP(w, r)
}

// callback is where the provider sends the browser back.
func (h Handlers) callback(w http.ResponseWriter, r *http.Request) error {
	out, err := h.Service.Finish(r.Context(), Answer{
		Query: r.URL.Query(), Browser: h.Cookies.Read(r, browserCookie), Session: h.Cookies.Read(r, SessionCookie),
	})
	switch {
	case fault.Is(err, fault.Internal):
		return err
	case err != nil:
		h.note(r, err)
		return h.Failed(w, r, err, LoginPath(out.Wanted))
	case out.Again:
		return h.Pages.See(w, r, LoginPath(out.Wanted))
	}
	h.Cookies.Set(w, SessionCookie, out.Token, 0)
	return h.Pages.See(w, r, orHome(out.Wanted))
}

// logout ends the session here and goes on to end the provider's.
func (h Handlers) logout(w http.ResponseWriter, r *http.Request) error {
	to, err := h.Service.SignOut(r.Context(), h.Cookies.Read(r, SessionCookie), page.Language(r))
	if err != nil {
		return err
	}
	h.Cookies.Clear(w, SessionCookie)
	serve.AllowFormAction(r.Context(), to)
	return h.Pages.See(w, r, to)
}

// browserLives is how long the cookie that binds log-ins to a browser is good; each
// log-in begins it anew.
const browserLives = StateKept + 24*time.Hour

// browser gives the name of this browser, a new one if it has none.
func (h Handlers) browser(w http.ResponseWriter, r *http.Request) string {
	name := h.Cookies.Read(r, browserCookie)
	if len(name) != len(secret.Text()) {
		name = secret.Text()
	}
	h.Cookies.Set(w, browserCookie, name, browserLives)
	return name
}

// note logs why a log-in was refused; the cause holds neither code nor token.
func (h Handlers) note(r *http.Request, err error) {
	h.Log.WarnContext(r.Context(), "a log-in was refused", "cause", err, "request_id", serve.RequestID(r.Context()))
}

// LoginPath is where a log-in starts that ends at wanted.
func LoginPath(wanted string) string {
	if wanted == "" || wanted == Home {
		return "/login"
	}
	return "/login?" + url.Values{"target_link_uri": {wanted}}.Encode()
}
