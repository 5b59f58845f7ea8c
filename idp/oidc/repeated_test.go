package oidc_test

import (
	"strings"
	"testing"
)

// A parameter that came twice is told to the client only when it is sure who that is, and
// nothing of it goes back. RFC 6749 §4.1.2.1.
func TestWhatCameTwiceIsToldToTheClientWhereItIsKnown(t *testing.T) {
	w := start(t).logIn()
	for what, changes := range map[string][]string{
		"the client is not known":               {"+scope=email", "client_id=nobody"},
		"the address is not registered":         {"+scope=email", "redirect_uri=https://evil.test/cb"},
		"the address came twice as well":        {"+scope=email", "+redirect_uri=https://evil.test/cb"},
		"the address is missing":                {"+scope=email", "redirect_uri"},
		"the client came twice as well":         {"+scope=email", "+client_id=basic"},
		"the client came twice, first as empty": {"+scope=email", "client_id=", "+client_id=tracker"},
		"what counts is a pushed request":       {"+scope=email", "request_uri=urn:ietf:params:oauth:request_uri:x"},
		"what counts is signed":                 {"+scope=email", "request=x"},
		"the signed request came twice":         {"request=x", "+request=x"},
	} {
		wantPage(t, what, w.authorize("tracker", changes...))
	}
	refused(t, "the scope", w.authorize("tracker", "+scope=email"), "invalid_request")
	for what, changes := range map[string][]string{
		"the state":         {"state=one", "+state=two"},
		"the state, alike":  {"+state=the-state"},
		"the state is ours": {"+scope=email", "state=" + strings.Repeat("x", 2049)},
	} {
		if sent := w.authorize("tracker", changes...).sent(t); sent.Get("error") != "invalid_request" || sent.Has("state") || sent.Get("iss") == "" {
			t.Errorf("%s: %v, want invalid_request without it", what, sent)
		}
	}
	for mode, where := range map[string]string{
		"response_mode=fragment":   callback + "#error=invalid_request&",
		"response_mode=query.jwt":  callback + "?response=ey",
		"response_type=id_token":   callback + "#error=invalid_request&",
		"+response_mode=form_post": callback + "?error=invalid_request&",
	} {
		changes := []string{"+scope=email", mode}
		if strings.HasPrefix(mode, "+") {
			changes = append(changes, "response_mode=fragment", mode)
		}
		if got := w.authorize("tracker", changes...).Header.Get("Location"); !strings.HasPrefix(got, where) {
			t.Errorf("%s: %q, want %s", mode, got, where)
		}
	}
	if got := w.authorize("tracker", "+prompt=none", "scope=openid").sent(t); got.Get("session_state") == "" || len(w.cookies["tegata_state"]) < 2 {
		t.Errorf("%v and cookies %v: somebody is signed in", got, w.cookies)
	}
}
