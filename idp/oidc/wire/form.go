package wire

import (
	"bytes"
	"errors"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
)

// MaxForm bounds what the protocol reads of a body, in bytes. Whole requests are bounded
// before they come here; this holds when the package is used alone.
const MaxForm = 64 << 10

// ReadForm reads a form body, and refuses what RFC 6749 §3.2 forbids: other types, and
// parameters that come twice. What stands in the URL counts for nothing (§2.3.1).
func ReadForm(w http.ResponseWriter, r *http.Request) error {
	if !IsForm(r.Header.Get("Content-Type")) {
		return Refuse("invalid_request", "The body has to be application/x-www-form-urlencoded.")
	}
	if err := parseForm(w, r); err != nil {
		return Unread("invalid_request", err)
	}
	if name := Twice(r.PostForm); name != "" {
		return Refuse("invalid_request", "A parameter is there twice.")
	}
	OmitEmpty(r.PostForm)
	return nil
}

// Authorization gives the header of that name, "" for none. It has one value (RFC 9110
// §11.6.2): of two, somebody else on the way may have gone by the other one.
func Authorization(r *http.Request) (string, error) {
	switch all := r.Header["Authorization"]; len(all) {
	case 0:
		return "", nil
	case 1:
		return all[0], nil
	}
	return "", Refuse("invalid_request", "There is more than one Authorization header.")
}

// noFiles says that there is no more of a form than r.PostForm: fosite would look whether
// it is one with files.
var noFiles = &multipart.Form{}

// parseForm is r.ParseForm for a body whose type is known, without the parameters of the
// URL: net/http finds the type out again, and makes a second map of all.
func parseForm(w http.ResponseWriter, r *http.Request) error {
	if r.PostForm != nil {
		return nil
	}
	if r.Body == nil {
		return errors.New("wire: there is no body")
	}
	var body bytes.Buffer
	body.Grow(int(min(max(r.ContentLength, 0), MaxForm)) + bytes.MinRead)
	if _, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, MaxForm)); err != nil {
		return err
	}
	form, err := url.ParseQuery(body.String())
	r.Form, r.PostForm, r.MultipartForm = form, form, noFiles
	return err
}

// IsForm tells whether that is the media type of forms, in capitals or not, whatever
// parameters it has. RFC 9110 §8.3.1.
func IsForm(kind string) bool {
	const form = "application/x-www-form-urlencoded"
	if kind == form || kind == "" {
		return kind == form
	}
	kind, _, err := mime.ParseMediaType(kind)
	return err == nil && kind == form
}

// OmitEmpty drops what was sent without a value: that counts as left out (RFC 6749
// §3.1, §3.2). zitadel/oidc, for one, sends client_secret= beside HTTP Basic.
func OmitEmpty(form url.Values) {
	for name, values := range form {
		if !slices.Contains(values, "") {
			continue
		}
		if values = slices.DeleteFunc(values, func(v string) bool { return v == "" }); len(values) > 0 {
			form[name] = values
		} else {
			delete(form, name)
		}
	}
}

// known are the parameters that must not come twice. Others are nobody's business.
var known = []string{
	"acr_values", "actor_token", "actor_token_type", "assertion", "authorization_details", "claims", "claims_locales", "client_assertion", "client_assertion_type", "client_id", "client_secret",
	"code", "code_challenge", "code_challenge_method", "code_verifier", "device_code", "display", "dpop_jkt", "grant_type", "id_token_hint",
	"login_hint", "logout_hint", "max_age", "nonce", "post_logout_redirect_uri", "prompt", "redirect_uri", "refresh_token",
	"registration", "request", "request_uri", "requested_token_type", "subject_token", "subject_token_type", "response_mode", "response_type", "scope", "state", "target_link_uri",
	"token", "token_type_hint", "ui_locales",
}

// Twice names a known parameter that is there more than once, "" when all is well.
func Twice(form url.Values) string {
	for name, values := range form {
		if len(values) > 1 && slices.Contains(known, name) {
			return name
		}
	}
	return ""
}
