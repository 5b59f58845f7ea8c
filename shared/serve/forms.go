package serve

import (
	"mime"
	"net/http"
)

// CrossSite refuses requests that change something and come from another site, by
// what the browser says about itself (Sec-Fetch-Site, Origin). It belongs around the
// pages' mux and not around the protocol's, where posts come from elsewhere by design.
func CrossSite(problem Problem) Middleware {
	return func(next http.Handler) http.Handler {
		guard := http.NewCrossOriginProtection()
		guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			problem.answer(w, r, http.StatusForbidden)
		}))
		return guard.Handler(next)
	}
}

// Forms refuses posts that are no form of ours with 415, so that no page reads a body
// it does not understand as an empty form.
func Forms(problem Problem) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.Method {
			case http.MethodPost, http.MethodPut, http.MethodPatch:
				if !isForm(r) {
					problem.answer(w, r, http.StatusUnsupportedMediaType)
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

// isForm tells whether the body is an urlencoded form, or empty.
func isForm(r *http.Request) bool {
	if r.ContentLength == 0 {
		return true
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/x-www-form-urlencoded"
}
