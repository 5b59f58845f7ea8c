package app_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"

	"tegata/shared/program/programtest"
)

func TestTheProviderServesTLSAndAsksForCertificatesOnASecondAddressOnly(t *testing.T) { // RFC 8705 §5
	metrics := programtest.Listen(t)
	metrics.Close()
	idp := startMutual(t, "", "TEGATA_IDP_METRICS_LISTEN="+metrics.Addr().String())
	if want := "https://" + idp.address; idp.App.URL() != want {
		t.Errorf("URL %s, want %s", idp.App.URL(), want)
	}

	var asked bool
	c := idp.authority.Client()
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
		{idp.URL + "/.well-known/openid-configuration", 200, false, idp.URL + "/oauth2/token"},
		{idp.URL + "/login", 200, false, "<form"},
		{idp.aliases + "/oauth2/jwks", 200, true, `"keys"`},
		{idp.aliases + "/login", 404, true, ""},
		{idp.aliases + "/oauth2/authorize", 404, true, ""},
		{idp.aliases + "/oauth2/logout", 404, true, ""},
		{idp.aliases + "/", 404, true, ""},
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
