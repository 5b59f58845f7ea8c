package serve

import (
	"context"
	"crypto/x509"
	"math/rand/v2"
	"net/http"
)

// maxAgent is how much of a User-Agent the audit log keeps, in bytes.
const maxAgent = 256

// Exchange is what Front knows about one request.
type Exchange struct {
	ID    string // request id: in logs, in the audit log, on the problem page
	Place string // address of the caller, behind our proxies
	HTTPS bool   // the caller came by https, as far as we can tell
	Route string // the mux pattern that matched, "" when none did

	// ClientCertificate is what the caller proved to hold the key of (RFC 8705), nil
	// when none came. It may be self-signed or long expired: whose it is, and whether
	// that is good enough, is for whoever knows the clients. See ClientTrusted.
	ClientCertificate *x509.Certificate

	proxied       bool                                  // the connection came from a proxy of ours
	intermediates []*x509.Certificate                   // that came with ClientCertificate
	authorities   *x509.CertPool                        // nil: no certificate is trusted
	revoked       func(chain []*x509.Certificate) error // nil: nobody looks
	header        http.Header                           // of the answer
	formAction    []string
	frames        []string
	quiet         bool
	document      bool // the answer is a Document
}

type exchangeKey struct{}

// Of gives what is known about the request of ctx; an empty Exchange outside of one.
func Of(ctx context.Context) *Exchange {
	if x, ok := ctx.Value(exchangeKey{}).(*Exchange); ok {
		return x
	}
	return &Exchange{}
}

// RequestID names the request of ctx, "" outside of one.
func RequestID(ctx context.Context) string { return Of(ctx).ID }

// Quiet keeps the request of ctx out of the log, unless debug is on. Metrics count it.
func Quiet(ctx context.Context) { Of(ctx).quiet = true }

// Routed tells logs and metrics which pattern of mux matched. Wrap each mux in it;
// of nested ones the innermost match counts.
func Routed(mux http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := Of(r.Context())
		defer func() {
			if x.Route == "" {
				x.Route = r.Pattern
			}
		}()
		mux.ServeHTTP(w, r)
	})
}

// newRequestID gives 80 random bits as 16 letters and digits, short enough to be
// read out on the telephone. It names a request and opens nothing: the generator of the
// runtime is good enough, and much quicker than asking the system.
func newRequestID() string {
	const letters = "abcdefghijklmnopqrstuvwxyz234567" // RFC 4648 §6
	var id [16]byte
	for half := range 2 {
		for i, bits := 0, rand.Uint64(); i < 8; i++ {
			id[8*half+i] = letters[bits&31]
			bits >>= 5
		}
	}
	return string(id[:])
}

// goodRequestID tells whether an id from a proxy may go into our logs and pages.
func goodRequestID(id string) bool {
	if len(id) < 8 || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}
