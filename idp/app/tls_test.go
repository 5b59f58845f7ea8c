package app_test

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"tegata/idp/app"
	"tegata/idp/app/apptest"
	"tegata/shared/certs/certstest"
	"tegata/shared/db/dbtest"
)

func TestTheProviderServesTLSAndAsksForCertificatesOnASecondAddressOnly(t *testing.T) { // RFC 8705 §5
	folder, authority := t.TempDir(), certstest.New(t)
	certificate, key := authority.Write(t, folder, certstest.Leaf{})
	main, mutual, metrics := apptest.Listen(t), apptest.Listen(t), apptest.Listen(t)
	metrics.Close()
	public, aliases := "https://localhost:"+apptest.Port(main), "https://localhost:"+apptest.Port(mutual)
	environ := append(apptest.Environ(t, apptest.Options{Database: dbtest.URL(t, "sqlite")}, apptest.Port(main), folder)[2:],
		"TEGATA_IDP_PUBLIC_URL="+public, "TEGATA_IDP_METRICS_LISTEN="+metrics.Addr().String(),
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
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	if want := "https://" + main.Addr().String(); a.URL() != want {
		t.Errorf("URL %s, want %s", a.URL(), want)
	}

	var asked bool
	c := authority.Client()
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		asked = true
		return &tls.Certificate{}, nil
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: c, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	for _, ask := range []struct {
		url    string
		status int
		asked  bool
		body   string
	}{
		{public + "/.well-known/openid-configuration", 200, false, public + "/oauth2/token"},
		{public + "/login", 200, false, "<form"},
		{aliases + "/oauth2/jwks", 200, true, `"keys"`},
		{aliases + "/login", 404, true, ""},
		{aliases + "/oauth2/authorize", 404, true, ""},
		{aliases + "/oauth2/logout", 404, true, ""},
		{aliases + "/", 404, true, ""},
		{"http://" + metrics.Addr().String() + "/metrics", 200, false, "tegata_tls_certificate_expires_timestamp_seconds 2.524608e+09"},
		{"http://" + metrics.Addr().String() + "/metrics", 200, false, "tegata_tls_certificate_failing 0"},
	} {
		asked = false
		client.CloseIdleConnections()
		res, err := client.Get(ask.url)
		if err != nil {
			t.Errorf("%s: %v", ask.url, err)
			continue
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != ask.status || asked != ask.asked || !strings.Contains(string(body), ask.body) {
			t.Errorf("%s: %d, asked for a certificate: %v, want %d, %v and %q in the body", ask.url, res.StatusCode, asked, ask.status, ask.asked, ask.body)
		}
		if strings.HasPrefix(ask.url, "https") && res.Header.Get("Strict-Transport-Security") == "" {
			t.Errorf("%s: no Strict-Transport-Security", ask.url)
		}
	}
}
