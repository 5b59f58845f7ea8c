package sso

import "net/http"

// Mount puts the log-in on mux; these are all its URLs.
func (h Handlers) Mount(mux *http.ServeMux) {
	mux.Handle("GET /login", h.Pages.Handler(h.login)) // registered at the provider as initiate_login_uri
	mux.HandleFunc("GET /"+h.Programme+"/{lang}/login", h.programmeLogin)
	mux.Handle("GET /callback", h.Pages.Handler(h.callback)) // registered as redirect_uri
	mux.Handle("POST /logout", h.Pages.Handler(h.logout))
	mux.HandleFunc("POST /backchannel-logout", h.backchannelLogout) // registered as backchannel_logout_uri
	mux.Handle("GET /.well-known/jwks.json", h.JWKS)                // registered as jwks_uri
}
