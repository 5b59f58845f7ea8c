package reply

import (
	"html/template"
	"io"
	"net/http"
	"net/url"
)

// ScriptPath is where the script of the page lies, below the issuer.
const ScriptPath = "/oauth2/submit.js"

// submit is the script of the page that posts an answer. It is a file, so that no
// policy of ours ever has to allow a script within a page.
const submit = "document.forms[0].submit();\n"

// Script answers ScriptPath.
func Script(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("Cache-Control", "public, max-age=86400")
	io.WriteString(w, submit)
}

// page posts the answer to the client; without script the person presses the
// button. It speaks both languages: an answer belongs to no conversation any more.
var page = template.Must(template.New("form_post").Parse(`<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>One moment / しばらくお待ちください</title>
{{with .Style}}<link rel="stylesheet" href="{{.}}">
{{end}}</head>
<body class="narrow">
<main>
<h1>One moment<br><span lang="ja">しばらくお待ちください</span></h1>
<p class="lead">You are on your way back to {{or .Host "the application"}}. If nothing happens, press “Continue”.</p>
<p class="lead" lang="ja">{{with .Host}}{{.}} に{{else}}アプリケーションに{{end}}戻ります。画面が切り替わらない場合は、「続ける」を押してください。</p>
<form method="post" action="{{.To}}">
{{range .Fields}}<input type="hidden" name="{{index . 0}}" value="{{index . 1}}">
{{end}}<p class="actions"><button type="submit" id="continue"><span>Continue / <span lang="ja">続ける</span></span></button></p>
</form>
</main>
<script src="` + ScriptPath + `"></script>
</body>
</html>
`))

func (b Reply) post(w http.ResponseWriter, answer [][2]string) {
	target, host := "'none'", ""
	if u, err := url.Parse(b.URI); err == nil {
		target, host = u.Scheme+":", u.Host
		if host != "" {
			target += "//" + host
		}
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; form-action "+target+"; base-uri 'none'; frame-ancestors 'none'")
	page.Execute(w, struct {
		To          template.URL // checked against the registration
		Host, Style string
		Fields      [][2]string
	}{template.URL(b.URI), host, b.Style, answer})
}
