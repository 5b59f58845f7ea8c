// Package serve is what stands between the network and our handlers. It knows HTTP
// and nothing of the two programs.
//
//	Front        what every request passes: id, origin, log, recovery, headers, body cap
//	Proxies      whose X-Forwarded-* we believe (proxies.go)
//	Clients      the certificate that a caller showed, to us or to a proxy (client.go)
//	Of           what Front found out about a request (exchange.go)
//	Headers      the content policy and its friends; AllowFormAction and AllowFrame open
//	             it for one answer
//	Document     an answer that is the same for everybody, gzipped too where that pays
//	             (document.go); TakesGzip, Has: what the caller takes and has (encoding.go)
//	CrossSite    refuses posts from other sites; Forms refuses what is no form
//	Cookies      the only way a cookie is set or read
//	Health       /healthz and /readyz
//	Server       listens, with or without TLS, times out, and stops without dropping anybody;
//	             its connections keep their deadlines to the second (deadlines.go)
//
// Answers that a person may see (413, 415, 403, 500) go through a Problem, which the
// programs fill with their own page, or with an error that other programs understand.
package serve

import "net/http"

// Middleware wraps a handler.
type Middleware func(http.Handler) http.Handler

// Chain puts wraps around h; the first one is the outermost.
func Chain(h http.Handler, wraps ...Middleware) http.Handler {
	for i := len(wraps) - 1; i >= 0; i-- {
		h = wraps[i](h)
	}
	return h
}

// Problem answers a request that no handler will answer: status is 4xx or 5xx.
// A nil Problem writes the status as plain text.
type Problem func(w http.ResponseWriter, r *http.Request, status int)

// answer writes the problem, or its plain form.
func (p Problem) answer(w http.ResponseWriter, r *http.Request, status int) {
	if p != nil {
		p(w, r, status)
		return
	}
	http.Error(w, http.StatusText(status), status)
}
