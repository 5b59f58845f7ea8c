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

// The values are made once: a header of one value costs an answer no memory then. Who
// sets or adds to a header gets a slice of its own, so that these never change.
var (
	pagePolicy = []string{policy}
	dataPolicy = []string{"default-src 'none'; frame-ancestors 'none'"}
	deny       = []string{"DENY"}
	nosniff    = []string{"nosniff"}
	noReferrer = []string{"no-referrer"}
	sameOrigin = []string{"same-origin"}
	noFeatures = []string{closed}
	noStore    = []string{"no-store"}
	secureOnly = []string{hsts}
)

// headers sets what every answer carries. Handlers of public, lasting things (static
// files, JWKS) replace Cache-Control.
func (f Front) headers(v *visit) {
	h, x := v.exchange.header, &v.exchange
	h["X-Content-Type-Options"] = nosniff
	h["Cache-Control"] = noStore
	if f.HTTPS && (x.HTTPS || len(f.Proxies) == 0) { // RFC 6797 §7.2: not over plain http
		h["Strict-Transport-Security"] = secureOnly
	}
}

// forPage is what the answer carries beside unless it is data, in an array since that
// is walked through for each of them.
var forPage = [...]struct {
	name  string
	value []string
}{
	{contentPolicy, pagePolicy},
	{"X-Frame-Options", deny},
	{"Referrer-Policy", noReferrer},
	{"Cross-Origin-Opener-Policy", sameOrigin},
	{"Permissions-Policy", noFeatures},
}

const (
	contentPolicy   = "Content-Security-Policy"
	requestIDHeader = "X-Request-Id"
)

// Data says that the answer is for programs and not for people: JSON, a token. What
// means something only to a browser that shows a page is left out, as each header of a
// short answer costs about as much as routing it. A browser that is made to show the
// answer all the same loads nothing with it and shows it in no frame.
func Data(w http.ResponseWriter) { w.Header()[contentPolicy] = dataPolicy }

// complete adds what the answer needs as a page, at the last moment, since most answers
// are data. What the handler chose stays, nil for a header that is not sent.
func complete(h http.Header) {
	if policy := h[contentPolicy]; len(policy) == 1 && policy[0] == dataPolicy[0] {
		return // frame-ancestors says what X-Frame-Options would
	}
	for _, one := range forPage {
		if _, chosen := h[one.name]; !chosen {
			h[one.name] = one.value
		}
	}
}

// startOver forgets what the handler chose.
func startOver(h http.Header) {
	for _, one := range forPage {
		delete(h, one.name)
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
	x.header.Set(contentPolicy, text)
}

// plainSource refuses what would end the directive early or name a script.
func plainSource(u *url.URL) bool {
	scheme := strings.ToLower(u.Scheme)
	return !strings.ContainsAny(u.Host, " ;,'\"*") && scheme != "javascript" && scheme != "data" && scheme != "blob"
}
