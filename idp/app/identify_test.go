package app_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"tegata/idp/app/apptest"
	"tegata/idp/sessions"
)

// asked gives the answer to a request with that session cookie.
func asked(t *testing.T, method, url, token string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: sessions.CookieName, Value: token})
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

// An answer tells that a session was looked for when it says that it has ended.
func looked(answer *http.Response) bool {
	return strings.Contains(strings.Join(answer.Header.Values("Set-Cookie"), "\n"), "tegata_state=-")
}

func TestNobodyLooksForASessionWhereProgramsCall(t *testing.T) {
	idp := apptest.Start(t, apptest.Options{})
	const ended = "00000000000000000000000000.00000000000000000000000000000000000000000000"
	for path, want := range map[string]bool{
		"/.well-known/openid-configuration": false, "/.well-known/oauth-authorization-server": false, "/oauth2/jwks": false,
		"/oauth2/token": false, "/oauth2/userinfo": false, "/oauth2/introspect": false, "/oauth2/par": false, "/static/x/page.css": false,
		"/login": true, "/": true, "/oauth2/authorize": true, "/oauth2/logout": true, "/oauth2/session": true,
	} {
		if answer, _ := asked(t, "GET", idp.URL+path, ended); looked(answer) != want {
			t.Errorf("%s: looked for a session: %v, want %v (%d %v)", path, !want, want, answer.StatusCode, answer.Header)
		}
	}
}

func TestPagesKnowWhoIsSignedIn(t *testing.T) {
	idp := apptest.Start(t, apptest.Options{})
	who, err := idp.Accounts.ByEmail(t.Context(), "taro.yamada@example.co.jp")
	if err != nil {
		t.Fatal(err)
	}
	_, token, err := idp.Sessions.Start(t.Context(), who.ID, []string{"pwd"})
	if err != nil {
		t.Fatal(err)
	}
	if answer, text := asked(t, "GET", idp.URL+"/profile", token); answer.StatusCode != 200 || !strings.Contains(text, who.Email) {
		t.Errorf("the profile with a session: %d %.300s", answer.StatusCode, text)
	}
	if answer, _ := asked(t, "GET", idp.URL+"/profile", "x"+token); answer.StatusCode/100 != 3 {
		t.Errorf("the profile without one: %d, want a way to the log-in", answer.StatusCode)
	}
	// With the database gone a page cannot tell who asks and says so; the metadata can.
	if err := idp.DB.Close(); err != nil {
		t.Fatal(err)
	}
	if answer, _ := asked(t, "GET", idp.URL+"/profile", token); answer.StatusCode < 500 {
		t.Errorf("the profile without a database: %d, want 5xx", answer.StatusCode)
	}
	if answer, text := asked(t, "GET", idp.URL+"/.well-known/openid-configuration", token); answer.StatusCode != 200 || !strings.Contains(text, `"issuer"`) {
		t.Errorf("metadata without a database: %d %.300s", answer.StatusCode, text)
	}
}
