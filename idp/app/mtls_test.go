package app_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tegata/shared/certs/certstest"
	"tegata/shared/program/programtest"
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
		Methods []string          `json:"token_endpoint_auth_methods_supported"`
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
	if push != idp.aliases+"/oauth2/par" || !slices.Contains(metadata.Methods, "tls_client_auth") {
		t.Fatalf("alias %q, methods %v", push, metadata.Methods)
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

// What the authority takes back counts while the provider runs, and who cannot tell lets
// nobody in.
func TestARevokedCertificateProvesNobody(t *testing.T) { // RFC 8705 §2.1, RFC 5280 §6.3
	folder, authority := t.TempDir(), certstest.New(t)
	old, fresh := authority.Pair(t, certstest.Leaf{Name: "bank"}), authority.Pair(t, certstest.Leaf{Name: "bank"})
	far := programtest.Began.Add(24 * time.Hour)
	file := authority.List(t, folder, far, nil)
	idp := startMutualWith(t, folder, authority, certstest.Leaf{}, certificateClients, "TEGATA_IDP_TLS_CLIENT_CRL_FILE="+file)
	push := idp.aliases + "/oauth2/par"
	answers := func(with tls.Certificate, want string) {
		t.Helper()
		var body string
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if _, body = pushTo(t, push, authority, with); strings.Contains(body, want) {
				return
			}
		}
		t.Fatalf("got %s, want %q", body, want)
	}
	answers(old, "request_uri")
	authority.List(t, folder, far, []*x509.Certificate{old.Leaf})
	hangUp(t)
	answers(old, "was revoked")
	answers(fresh, "request_uri")
	idp.Clock.Move(24 * time.Hour)
	answers(fresh, "too old")
	if _, body := pushTo(t, push, authority, authority.Pair(t, certstest.Leaf{Name: "bank", SelfSigned: true})); !strings.Contains(body, "not come from an authority") {
		t.Errorf("a certificate of nobody: %s", body)
	}
}

// hangUp makes the provider look at its files now.
func hangUp(t *testing.T) {
	t.Helper()
	guard := make(chan os.Signal, 1) // so that the signal never ends the test, however early it comes
	signal.Notify(guard, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(guard) })
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
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
	hangUp(t)
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
