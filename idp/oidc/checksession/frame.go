package checksession

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
)

//go:embed frame.js
var frameScript string

// Frame answers check_session_iframe: a page without words that clients put in
// a frame. It is the one page of ours that others may frame: it shows nothing, and
// answers with one of three words.
func (v Service) Frame(w http.ResponseWriter, r *http.Request) {
	script := strings.ReplaceAll(frameScript, "COOKIE", v.Cookies.ReadableName(stateCookie))
	sum := sha256.Sum256([]byte(script))
	ancestors := "https:"
	if v.Development {
		ancestors += " http:"
	}
	h := w.Header()
	h["X-Frame-Options"] = nil
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+
		"'; base-uri 'none'; form-action 'none'; frame-ancestors "+ancestors)
	text := "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Session</title></head><body><script>" + script + "</script></body></html>\n"
	tag := sha256.Sum256([]byte(text))
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("ETag", `"`+hex.EncodeToString(tag[:9])+`"`)
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.Write([]byte(text))
}
