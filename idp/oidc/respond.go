package oidc

import (
	"errors"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"strings"

	"tegata/shared/fault"
)

// The response modes for response type code; frontchannel.go has the third. OAuth 2.0 Multiple Response Types §2.1,
// OAuth 2.0 Form Post Response Mode.
const (
	modeQuery    = "query"
	modeFormPost = "form_post"
)

// reply is how the answer to an authorization request travels: through the browser,
// to an address that was checked.
type reply struct {
	uri, state, mode, issuer string
	session                  string // session_state, "" for none
	style                    string // URL of a stylesheet for the page of form_post, "" for none

	sign func(*http.Request, [][2]string) ([][2]string, error) // makes a signed answer of it; nil for a plain one
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
	if b.session != "" {
		answer = append(answer, [2]string{"session_state", b.session})
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

// redirect adds the answer to the query that the registered address may have, or
// makes it the fragment, which it does not have.
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

// submit is the script of the page that posts an answer. It is a file, so that no
// policy of ours ever has to allow a script within a page.
const submit = "document.forms[0].submit();\n"

// script answers /oauth2/submit.js.
func (p *Provider) script(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("Cache-Control", "public, max-age=86400")
	io.WriteString(w, submit)
}

// formPost posts the answer to the client; without script the person presses the
// button. It speaks both languages: an answer belongs to no conversation any more.
var formPost = template.Must(template.New("form_post").Parse(`<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>One moment</title>
{{with .Style}}<link rel="stylesheet" href="{{.}}">
{{end}}</head>
<body class="narrow">
<main>
<h1>One moment<br><span lang="ja">しばらくお待ちください</span></h1>
<p class="lead">You are on your way back to {{or .Host "the application"}}. If nothing happens, press “Continue”.</p>
<p class="lead" lang="ja">{{with .Host}}{{.}} に{{else}}アプリケーションに{{end}}戻ります。画面が切り替わらない場合は、「続ける」を押してください。</p>
<form method="post" action="{{.To}}">
{{range .Fields}}<input type="hidden" name="{{index . 0}}" value="{{index . 1}}">
{{end}}<p class="actions"><button type="submit" id="continue">Continue / 続ける</button></p>
</form>
</main>
<script src="` + pathSubmit + `"></script>
</body>
</html>
`))

func (b reply) post(w http.ResponseWriter, answer [][2]string) {
	target, host := "'none'", ""
	if u, err := url.Parse(b.uri); err == nil {
		target, host = u.Scheme+":", u.Host
		if host != "" {
			target += "//" + host
		}
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; form-action "+target+"; base-uri 'none'; frame-ancestors 'none'")
	formPost.Execute(w, struct {
		To          template.URL // checked against the registration
		Host, Style string
		Fields      [][2]string
	}{template.URL(b.uri), host, b.style, answer})
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
