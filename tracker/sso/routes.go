package sso

import "net/http"

// Mount puts the log-in on mux; these are all its URLs.
func (h Handlers) Mount(mux *http.ServeMux) {
	for _, acting := range []string{"/login", "/" + h.Programme + "/{lang}/login", "/callback"} {
		mux.HandleFunc("HEAD "+acting, h.noHead)
	}
	mux.Handle("GET /login", h.Pages.Handler(h.login)) // registered at the provider as initiate_login_uri
	mux.HandleFunc("GET /"+h.Programme+"/{lang}/login", h.programmeLogin)
	mux.Handle("GET /callback", h.Pages.Handler(h.callback)) // registered as redirect_uri
	mux.Handle("POST /logout", h.Pages.Handler(h.logout))
	mux.HandleFunc("POST /backchannel-logout", h.backchannelLogout) // registered as backchannel_logout_uri
	mux.Handle("GET /.well-known/jwks.json", h.JWKS)                // registered as jwks_uri
}

// noHead answers HEAD where GET does more than read: "GET /login" would take it too. HEAD
// has to be safe (RFC 9110 §9.2.1), and who follows links to see whether they work sends it.
func (h Handlers) noHead(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", http.MethodGet)
	h.Pages.Status(w, r, http.StatusMethodNotAllowed)
}
