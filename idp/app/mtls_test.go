package app_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tegata/idp/app"
	"tegata/idp/app/apptest"
	"tegata/shared/certs/certstest"
	"tegata/shared/db/dbtest"
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

// startMutual runs the program with that clients file on an address that asks for
// certificates and on one that does not.
func startMutual(t *testing.T, authority *certstest.Authority, clients string) (public, aliases string) {
	t.Helper()
	folder := t.TempDir()
	certificate, key := authority.Write(t, folder, certstest.Leaf{})
	file := filepath.Join(folder, "clients.yaml")
	if err := os.WriteFile(file, []byte(clients), 0o600); err != nil {
		t.Fatal(err)
	}
	main, mutual := apptest.Listen(t), apptest.Listen(t)
	public, aliases = "https://localhost:"+apptest.Port(main), "https://localhost:"+apptest.Port(mutual)
	environ := append(apptest.Environ(t, apptest.Options{Database: dbtest.URL(t, "sqlite")}, apptest.Port(main), folder)[2:],
		"TEGATA_IDP_PUBLIC_URL="+public, "TEGATA_IDP_METRICS_LISTEN=", "TEGATA_IDP_CLIENTS_FILE="+file,
		"TEGATA_IDP_TLS_CERTIFICATE_FILE="+certificate, "TEGATA_IDP_TLS_KEY_FILE="+key, "TEGATA_IDP_TLS_CLIENT_CERTIFICATES=request",
		"TEGATA_IDP_TLS_MTLS_LISTEN="+mutual.Addr().String(), "TEGATA_IDP_TLS_MTLS_PUBLIC_URL="+aliases,
		"TEGATA_IDP_TLS_CLIENT_CA_FILE="+authority.File(t, folder))
	cfg, err := app.Load(apptest.Root("configs/idp.yaml"), environ)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	a, err := app.New(ctx, cfg, app.Options{Listener: main, Mutual: mutual, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return public, aliases
}

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
	authority, stranger := certstest.New(t), certstest.New(t)
	public, aliases := startMutual(t, authority, certificateClients)
	good := authority.Pair(t, certstest.Leaf{Name: "bank"})
	var metadata struct {
		Aliases map[string]string `json:"mtls_endpoint_aliases"`
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: authority.Client()}}
	defer client.CloseIdleConnections()
	res, err := client.Get(public + "/.well-known/openid-configuration")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&metadata); err != nil {
		t.Fatal(err)
	}
	push := metadata.Aliases["pushed_authorization_request_endpoint"]
	if push != aliases+"/oauth2/par" {
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
		"on the address that asks for no one's ": {public + "/oauth2/par", []tls.Certificate{good}},
	} {
		if status, body := pushTo(t, at.url, authority, at.shows...); status != http.StatusUnauthorized || !strings.Contains(body, "invalid_client") {
			t.Errorf("%s: %d %s, want 401 invalid_client", name, status, body)
		}
	}
}
