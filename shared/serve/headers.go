package serve

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// policy is the content policy up to form-action: nothing from elsewhere, nothing
// inline, no frames.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"

// closed lists the browser features that no page of ours uses. Passkeys stay open
// for our own origin by default.
const closed = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), " +
	"microphone=(), midi=(), payment=(), usb=(), browsing-topics=()"

// hsts is two years, as preload lists ask. Subdomains are the operator's affair.
const hsts = "max-age=63072000"

// headers sets what every answer carries. Handlers of public, lasting things (static
// files, JWKS) replace Cache-Control.
func (f Front) headers(w http.ResponseWriter, x *Exchange) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", closed)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Request-Id", x.ID)
	if f.HTTPS && (x.HTTPS || len(f.Proxies) == 0) { // RFC 6797 §7.2: not over plain http
		h.Set("Strict-Transport-Security", hsts)
	}
}

// AllowFormAction lets forms of the answer under way lead to the origin of rawURL.
// It is needed where a post of ours ends in a redirect to a client, since browsers
// check form-action on each hop. Anything but an absolute URL is ignored: a client's
// own scheme (com.example.app:/callback) is allowed by its scheme.
func AllowFormAction(ctx context.Context, rawURL string) {
	x := Of(ctx)
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme == "" || x.header == nil || !plainSource(u) {
		return
	}
	source := strings.ToLower(u.Scheme) + ":"
	if u.Scheme == "http" || u.Scheme == "https" {
		if u.Host == "" {
			return
		}
		source += "//" + strings.ToLower(u.Host)
	}
	if slices.Contains(x.formAction, source) {
		return
	}
	x.formAction = append(x.formAction, source)
	x.setPolicy()
}

// AllowFrame lets the page under way show a frame of the origin of rawURL.
func AllowFrame(ctx context.Context, rawURL string) {
	x := Of(ctx)
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || x.header == nil || !plainSource(u) {
		return
	}
	if source := u.Scheme + "://" + strings.ToLower(u.Host); !slices.Contains(x.frames, source) {
		x.frames = append(x.frames, source)
		x.setPolicy()
	}
}

// setPolicy writes the policy with what was allowed for this answer.
func (x *Exchange) setPolicy() {
	text := policy
	for _, source := range x.formAction {
		text += " " + source
	}
	if len(x.frames) > 0 {
		text += "; frame-src " + strings.Join(x.frames, " ")
	}
	x.header.Set("Content-Security-Policy", text)
}

// plainSource refuses what would end the directive early or name a script.
func plainSource(u *url.URL) bool {
	scheme := strings.ToLower(u.Scheme)
	return !strings.ContainsAny(u.Host, " ;,'\"*") && scheme != "javascript" && scheme != "data" && scheme != "blob"
}
