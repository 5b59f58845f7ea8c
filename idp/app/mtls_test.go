package app_test

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"tegata/shared/certs/certstest"
)

const certificateClients = `clients:
  - client_id: bank
    client_name: {en: A bank}
    profile: fapi2_security
    redirect_uris: [https://bank.test/cb]
    token_endpoint_auth_method: tls_client_auth
    tls_client_auth_subject_dn: CN=bank
    tls_client_certificate_bound_access_tokens: true
`

// pushTo sends a good authorization request of the client, over a connection that
// shows those certificates.
func pushTo(t *testing.T, at string, authority *certstest.Authority, shows ...tls.Certificate) (int, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: authority.Client(shows...)}}
	defer client.CloseIdleConnections()
	res, err := client.PostForm(at, url.Values{
		"client_id": {"bank"}, "redirect_uri": {"https://bank.test/cb"}, "response_type": {"code"}, "scope": {"openid"},
		"code_challenge": {strings.Repeat("x", 43)}, "code_challenge_method": {"S256"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestAClientProvesItselfInTheHandshake(t *testing.T) { // RFC 8705 §2.1, §5
	idp, stranger := startMutual(t, certificateClients), certstest.New(t)
	authority := idp.authority
	good := authority.Pair(t, certstest.Leaf{Name: "bank"})
	var metadata struct {
		Aliases map[string]string `json:"mtls_endpoint_aliases"`
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: authority.Client()}}
	defer client.CloseIdleConnections()
	res, err := client.Get(idp.URL + "/.well-known/openid-configuration")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&metadata); err != nil {
		t.Fatal(err)
	}
	push := metadata.Aliases["pushed_authorization_request_endpoint"]
	if push != idp.aliases+"/oauth2/par" {
		t.Fatalf("alias %q", push)
	}
	if status, body := pushTo(t, push, authority, good); status != http.StatusCreated {
		t.Errorf("with its certificate: %d %s", status, body)
	}
	for name, at := range map[string]struct {
		url   string
		shows []tls.Certificate
	}{
		"no certificate":                         {push, nil},
		"another name":                           {push, []tls.Certificate{authority.Pair(t, certstest.Leaf{Name: "other"})}},
		"another authority":                      {push, []tls.Certificate{stranger.Pair(t, certstest.Leaf{Name: "bank"})}},
		"self-signed":                            {push, []tls.Certificate{authority.Pair(t, certstest.Leaf{Name: "bank", SelfSigned: true})}},
		"on the address that asks for no one's ": {idp.URL + "/oauth2/par", []tls.Certificate{good}},
	} {
		if status, body := pushTo(t, at.url, authority, at.shows...); status != http.StatusUnauthorized || !strings.Contains(body, "invalid_client") {
			t.Errorf("%s: %d %s, want 401 invalid_client", name, status, body)
		}
	}
}

// Who issues clients' certificates may change while the provider runs.
func TestAnotherAuthorityOfClientsCountsWithoutARestart(t *testing.T) {
	folder, first, second := t.TempDir(), certstest.New(t), certstest.New(t)
	idp := startMutualWith(t, folder, first, certstest.Leaf{}, certificateClients)
	push := idp.aliases + "/oauth2/par"
	old, fresh := first.Pair(t, certstest.Leaf{Name: "bank"}), second.Pair(t, certstest.Leaf{Name: "bank"})
	if status, body := pushTo(t, push, first, old); status != http.StatusCreated {
		t.Fatalf("with the first authority: %d %s", status, body)
	}
	if status, _ := pushTo(t, push, first, fresh); status != http.StatusUnauthorized {
		t.Fatalf("with the second authority too early: %d", status)
	}
	text, err := os.ReadFile(second.File(t, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(first.File(t, folder), text, 0o600); err != nil {
		t.Fatal(err)
	}
	guard := make(chan os.Signal, 1) // so that the signal never ends the test, however early it comes
	signal.Notify(guard, syscall.SIGHUP)
	defer signal.Stop(guard)
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		status, body := pushTo(t, push, first, fresh)
		if status == http.StatusCreated {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("with the second authority: %d %s", status, body)
		}
	}
	if status, _ := pushTo(t, push, first, old); status != http.StatusUnauthorized {
		t.Errorf("with the authority that left the file: %d, want 401", status)
	}
}
