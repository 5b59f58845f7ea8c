package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"tegata/idp/app/apptest"
	"tegata/shared/db/dbtest"
)

// Programs get an error that they understand (RFC 6749 §5.2, RFC 9126 §2.3, RFC 7591
// §3.2.2), however the length of their body was told; people get the page.
func TestABodyThatIsTooLongIsRefusedInTheWordsOfWhoSentIt(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, database string) {
		idp := apptest.Start(t, apptest.Options{Database: database, Settings: []string{"TEGATA_IDP_REGISTRATION_MODE=open"}})
		open := []string{"/oauth2/token", "/oauth2/par", "/oauth2/revoke", "/oauth2/userinfo", "/oauth2/register"}
		for _, path := range append([]string{"/oauth2/introspect", "/oauth2/device_authorization"}, open...) {
			for _, told := range []bool{true, false} {
				answer, text := tooLong(t, idp.URL+path, "en", told)
				var body struct {
					Error       string `json:"error"`
					Description string `json:"error_description"`
				}
				want := "invalid_request"
				if path == "/oauth2/register" {
					want = "invalid_client_metadata"
				}
				if err := json.Unmarshal([]byte(text), &body); err != nil || body.Error != want || body.Description != "The body is too long." {
					t.Errorf("%s, length told: %t: %.300s", path, told, text)
				}
				h := answer.Header
				if answer.StatusCode != http.StatusRequestEntityTooLarge || h.Get("Content-Type") != "application/json" || h.Get("Cache-Control") != "no-store" {
					t.Errorf("%s, length told: %t: status %d, %v", path, told, answer.StatusCode, h)
				}
				if (h.Get("Access-Control-Allow-Origin") == "*") != slices.Contains(open, path) {
					t.Errorf("%s, length told: %t: scripts of other origins: %q", path, told, h.Get("Access-Control-Allow-Origin"))
				}
			}
		}
		for lang, title := range map[string]string{"en": "The request is too large", "ja": "送信された内容が大きすぎます"} {
			for _, path := range []string{"/login", "/oauth2/authorize", "/oauth2/logout", "/nowhere"} {
				for _, told := range []bool{true, false} {
					if path == "/nowhere" && !told {
						continue // nobody reads it, so nobody counts
					}
					answer, text := tooLong(t, idp.URL+path, lang, told)
					if answer.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(text, "<title>"+title+" | Tegata ID</title>") {
						t.Errorf("%s in %s, length told: %t: status %d: %.300s", path, lang, told, answer.StatusCode, text)
					}
				}
			}
		}
	})
}

// tooLong posts more than anybody takes.
func tooLong(t *testing.T, url, lang string, told bool) (*http.Response, string) {
	t.Helper()
	const more = 70 << 10
	var body io.Reader = strings.NewReader("a=" + strings.Repeat("x", more))
	if !told {
		body = struct{ io.Reader }{body}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	kind := "application/x-www-form-urlencoded"
	if strings.HasSuffix(url, "/register") {
		kind = "application/json"
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Accept-Language", lang)
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}
