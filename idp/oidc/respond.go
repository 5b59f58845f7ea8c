package oidc

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"tegata/shared/fault"
)

// The response modes for response type code. OAuth 2.0 Multiple Response Types §2.1,
// OAuth 2.0 Form Post Response Mode.
const (
	modeQuery    = "query"
	modeFormPost = "form_post"
)

// reply is how the answer to an authorization request travels: through the browser,
// to an address that was checked.
type reply struct {
	uri, state, mode, issuer string

	sign func(*http.Request, [][2]string) ([][2]string, error) // makes a signed answer of it; nil for a plain one
}

// code answers with a code.
func (b reply) code(w http.ResponseWriter, r *http.Request, code string) {
	b.send(w, r, [2]string{"code", code})
}

// refuse answers with an error. RFC 6749 §4.1.2.1.
func (b reply) refuse(w http.ResponseWriter, r *http.Request, why *refusal) {
	b.send(w, r, [2]string{"error", why.Code}, [2]string{"error_description", why.Why})
}

// send adds state, exactly as it came and only if it came, and iss, so that the
// client knows who answers (RFC 9207 §2). A redirect is 303: a browser that posted a
// password must not post it again to the client (RFC 9700 §4.12).
func (b reply) send(w http.ResponseWriter, r *http.Request, answer ...[2]string) {
	if b.state != "" {
		answer = append(answer, [2]string{"state", b.state})
	}
	answer = append(answer, [2]string{"iss", b.issuer})
	if b.sign != nil {
		var err error
		if answer, err = b.sign(r, answer); err != nil {
			refusalOf(err).write(w) // an answer that was to be signed does not travel unsigned
			return
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	w.Header().Set("Referrer-Policy", "no-referrer")
	if b.mode == modeFormPost {
		b.post(w, answer)
		return
	}
	w.Header().Set("Location", b.redirect(answer))
	w.WriteHeader(http.StatusSeeOther)
}

// redirect adds the answer to the query that the registered address may have.
func (b reply) redirect(answer [][2]string) string {
	var u strings.Builder
	u.WriteString(b.uri)
	separator := b.separator()
	for _, pair := range answer {
		u.WriteByte(separator)
		u.WriteString(pair[0])
		u.WriteByte('=')
		u.WriteString(url.QueryEscape(pair[1]))
		separator = '&'
	}
	return u.String()
}

// submit is the one inline script of the house; the policy of the page allows it by
// its digest and nothing else.
const submit = "document.forms[0].submit()"

var submitDigest = func() string {
	sum := sha256.Sum256([]byte(submit))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}()

// formPost posts the answer to the client; without script the person presses the button.
var formPost = template.Must(template.New("form_post").Parse(`<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>One moment</title></head>
<body>
<form method="post" action="{{.To}}">
{{range .Fields}}<input type="hidden" name="{{index . 0}}" value="{{index . 1}}">
{{end}}<noscript><button type="submit" id="continue">Continue / 続ける</button></noscript>
</form>
<script>` + submit + `</script>
</body>
</html>
`))

func (b reply) post(w http.ResponseWriter, answer [][2]string) {
	target := "'none'"
	if u, err := url.Parse(b.uri); err == nil {
		target = u.Scheme + ":"
		if u.Host != "" {
			target += "//" + u.Host
		}
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src "+submitDigest+"; form-action "+target+"; base-uri 'none'; frame-ancestors 'none'")
	formPost.Execute(w, struct {
		To     template.URL // checked against the registration
		Fields [][2]string
	}{template.URL(b.uri), answer})
}

// toPerson tells whether the fault is about the conversation: one that began in
// another browser, is over, or was finished twice. The client has its answer already,
// or will get one from the other browser.
func toPerson(err error) bool {
	var own *refusal
	if errors.As(err, &own) {
		return false
	}
	switch fault.KindOf(err) {
	case fault.NotFound, fault.Denied, fault.Expired, fault.Conflict:
		return true
	}
	return false
}

// problem tells a person that this cannot go on. Nobody is redirected.
func (p *Provider) problem(w http.ResponseWriter, r *http.Request, err error) {
	p.Count("authorization_problem")
	p.Log.InfoContext(r.Context(), "request without a client to answer", "error", err.Error())
	if p.Problem != nil {
		p.Problem(w, r, err)
		return
	}
	status := http.StatusBadRequest
	if fault.KindOf(err) == fault.Internal {
		status = http.StatusInternalServerError
	}
	http.Error(w, http.StatusText(status), status)
}

// see sends the browser to one of our own pages.
func see(w http.ResponseWriter, path string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", path)
	w.WriteHeader(http.StatusSeeOther)
}
