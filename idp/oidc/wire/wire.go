// Package wire is what every endpoint of the protocol says and understands, whatever it
// is for: how a request has to look before anybody reads it, and how answers and refusals
// leave the house.
//
//	wire.go     by which methods an endpoint is asked, and what scripts of other origins
//	            may send and read (CORS)
//	form.go     bodies that are forms: read once, bounded, no parameter twice
//	members.go  members of JSON that are there twice
//	answer.go   answers in JSON or as a text, never to be stored
//	refusal.go  Refusal: the errors of the protocol, their codes, sentences and statuses
//
// It knows no client, no person and no database.
package wire

import (
	"net/http"
	"strings"
)

// ByMethod gives a handler that picks by method: nil stands for one that the endpoint does
// not take, which is answered with 405. HEAD is GET whose body net/http leaves out. open
// lets scripts of any origin read the answer.
func ByMethod(get, post http.HandlerFunc, open bool) http.HandlerFunc {
	return byMethod(get, get, post, open)
}

// Acting is ByMethod for an endpoint where GET does more than read. It has no HEAD: that has
// to be safe (RFC 9110 §9.2.1), and who follows links to see whether they work sends it.
func Acting(get, post http.HandlerFunc) http.HandlerFunc { return byMethod(get, nil, post, false) }

func byMethod(get, head, post http.HandlerFunc, open bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if open {
			AllowScripts(w.Header(), post != nil)
		}
		switch {
		case get != nil && r.Method == http.MethodGet:
			get(w, r)
		case head != nil && r.Method == http.MethodHead:
			head(w, r)
		case post != nil && r.Method == http.MethodPost:
			post(w, r)
		case open && r.Method == http.MethodOptions:
			Preflight(w, "GET, POST")
		default:
			w.Header().Set("Allow", allowed(get != nil, head != nil, post != nil, open))
			WriteJSON(w, http.StatusMethodNotAllowed, map[string]string{"error": "invalid_request"})
		}
	}
}

// allowed names the methods that an endpoint takes. RFC 9110 §10.2.1.
func allowed(get, head, post, open bool) string {
	var all []string
	for _, method := range []struct {
		name  string
		taken bool
	}{{"GET", get}, {"HEAD", head}, {"POST", post}, {"OPTIONS", open}} {
		if method.taken {
			all = append(all, method.name)
		}
	}
	return strings.Join(all, ", ")
}

// What scripts are told, made once.
var (
	anyOrigin = []string{"*"}
	exposed   = []string{"DPoP-Nonce, WWW-Authenticate"}
)

// AllowScripts lets scripts of any origin read the answer, and with tokens the headers
// that speak of them. They get no cookies along, and nothing here depends on one.
func AllowScripts(h http.Header, tokens bool) {
	h["Access-Control-Allow-Origin"] = anyOrigin
	if tokens {
		h["Access-Control-Expose-Headers"] = exposed
	}
}

// Preflight says what scripts may send: a token or client secret too. Only a browser
// that asks beforehand looks at that (Fetch Standard, CORS-preflight fetch).
func Preflight(w http.ResponseWriter, methods string) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", methods)
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, DPoP")
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}
