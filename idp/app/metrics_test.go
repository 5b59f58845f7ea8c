package app_test

import (
	"crypto/x509"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegata/keys"
	"tegata/shared/certs/certstest"
	"tegata/shared/program/programtest"
)

// What /metrics shows is what the list for operators tells, and a file that clients'
// certificates are checked with shows when it cannot be used.
func TestTheListOfMetricsIsWhatIsShown(t *testing.T) {
	listener, folder, authority := programtest.Listen(t), t.TempDir(), certstest.New(t)
	listener.Close()
	address := listener.Addr().String()
	lists := authority.List(t, folder, programtest.Began.Add(24*time.Hour), []*x509.Certificate{})
	idp := startMutualWith(t, folder, authority, certstest.Leaf{}, "", "TEGATA_IDP_METRICS_LISTEN="+address, "TEGATA_IDP_TLS_CLIENT_CRL_FILE="+lists)
	if err := idp.Keys.SetPlan(t.Context(), keys.Plan{Every: time.Hour}); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: authority.Client()}}
	defer client.CloseIdleConnections()
	answer, err := client.PostForm(idp.URL+"/oauth2/token", url.Values{"grant_type": {"authorization_code"}, "client_id": {"nobody"}})
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	good := programtest.Metrics(t, "idp", address)
	for _, want := range []string{`tegata_tls_client_file_failing{file="client_ca_file"} 0`, `tegata_tls_client_file_failing{file="client_crl_file"} 0`,
		`tegata_signing_key_overdue_seconds{alg="ES256"} 0`, "tegata_signatures_failed_total 0", "# TYPE tegata_password_hashes_total counter"} {
		if !strings.Contains(good, want) {
			t.Errorf("not shown: %s\n%s", want, good)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "garbage"), []byte("nothing of use"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(folder, "garbage"), authority.File(t, folder)); err != nil {
		t.Fatal(err)
	}
	hangUp(t)
	for end := time.Now().Add(20 * time.Second); !strings.Contains(programtest.Metrics(t, "idp", address), `tegata_tls_client_file_failing{file="client_ca_file"} 1`); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a file of authorities that cannot be used is not shown")
		}
	}
}
