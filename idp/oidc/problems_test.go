package oidc_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"tegata/idp/oidc"
)

// What the front answers by itself: in the words of the endpoint for programs, on a page
// for people.
func TestWhatNoHandlerAnswersIsToldToWhoAsked(t *testing.T) {
	pages := func(w http.ResponseWriter, _ *http.Request, status int) { http.Error(w, "a page", status) }
	for _, c := range []struct {
		path   string
		status int
		want   string
	}{
		{"/oauth2/token", 500, `{"error":"server_error","error_description":"Something went wrong on our side."}`},
		{"/oauth2/jwks", 413, `{"error":"invalid_request","error_description":"The body is too long."}`},
		{"/oauth2/par", 415, `{"error":"invalid_request","error_description":"The request is missing a parameter, has one twice, or has one that is malformed."}`},
		{"/oauth2/register/some", 413, `{"error":"invalid_client_metadata","error_description":"The body is too long."}`},
		{"/oauth2/register", 400, `{"error":"invalid_client_metadata","error_description":"The registration has a value that is not accepted."}`},
		{"/oauth2/registers", 413, "a page\n"},
		{"/oauth2/authorize", 413, "a page\n"},
		{"/oauth2/logout", 500, "a page\n"},
		{"/oauth2/session", 500, "a page\n"},
		{"/", 403, "a page\n"},
	} {
		w := httptest.NewRecorder()
		oidc.Problems(pages)(w, httptest.NewRequest("POST", c.path, nil), c.status)
		if w.Code != c.status || w.Body.String() != c.want {
			t.Errorf("%s, %d: status %d: %s", c.path, c.status, w.Code, w.Body)
		}
	}
}
