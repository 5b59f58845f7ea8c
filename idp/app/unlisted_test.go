package app_test

import (
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/idp/app"
	"tegata/idp/app/apptest"
	"tegata/shared/certs/certstest"
	"tegata/shared/program/programtest"
)

// lines is a log that a test looks into while it is written.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Two authorities lock their clients out: neither check nor start lets that pass, and both
// are named with the key. While the provider runs, one that loses its list is logged.
func TestAnAuthorityWithoutAListOfRevokedCertificatesIsTold(t *testing.T) { // RFC 5280 §6.3.3
	folder, a := t.TempDir(), certstest.New(t)
	b, mute := a.Below(t, "branch"), a.Below(t, "mute").Again(t, x509.KeyUsageCertSign)
	far := programtest.Began.Add(24 * time.Hour)
	list := func(of ...*certstest.Authority) string {
		return together(t, filepath.Join(folder, "lists.pem"), of, func(one *certstest.Authority) string { return one.List(t, t.TempDir(), far, nil) })
	}
	believe := func(all ...*certstest.Authority) string {
		return together(t, filepath.Join(folder, "authorities.pem"), all, func(one *certstest.Authority) string { return one.File(t, t.TempDir()) })
	}
	certificate, key := a.Write(t, folder, certstest.Leaf{})
	first, second := programtest.Listen(t), programtest.Listen(t)
	push := "https://localhost:" + programtest.Port(second) + "/oauth2/par"
	var log lines
	o := apptest.Options{
		Listener: first, Mutual: second, Clients: certificateClients, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError})),
		Settings: []string{
			"TEGATA_IDP_PUBLIC_URL=https://localhost:" + programtest.Port(first), "TEGATA_IDP_TLS_CERTIFICATE_FILE=" + certificate,
			"TEGATA_IDP_TLS_KEY_FILE=" + key, "TEGATA_IDP_TLS_CLIENT_CERTIFICATES=request", "TEGATA_IDP_TLS_MTLS_LISTEN=" + second.Addr().String(),
			"TEGATA_IDP_TLS_MTLS_PUBLIC_URL=" + strings.TrimSuffix(push, "/oauth2/par"),
			"TEGATA_IDP_TLS_CLIENT_CA_FILE=" + believe(a, b, mute), "TEGATA_IDP_TLS_CLIENT_CRL_FILE=" + list(a),
		},
	}
	with := o
	with.Database = "sqlite:" + filepath.Join(folder, "idp.db")
	_, err := app.Load(programtest.Root("configs/idp.yaml"), apptest.Environ(t, with, programtest.Port(first), folder))
	for _, want := range []string{"CN=branch (serial number", "there is none in its name", "CN=mute (serial number", "key usage cRLSign"} {
		if err == nil || strings.Count(err.Error(), "tls.client_crl_file: ") != 2 || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want two mistakes and %q", err, want)
		}
	}

	believe(a, b)
	list(a, b)
	apptest.Start(t, o)
	good, out := a.Pair(t, certstest.Leaf{Name: "bank"}), b.Pair(t, certstest.Leaf{Name: "bank"})
	if _, body := pushTo(t, push, a, out); !strings.Contains(body, "request_uri") || log.String() != "" {
		t.Fatalf("while each has a list: %s %s", body, log.String())
	}
	list(a)
	hangUp(t)
	for end := time.Now().Add(20 * time.Second); !strings.Contains(log.String(), "CN=branch (serial number"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the log does not tell: %s", log.String())
		}
	}
	if _, body := pushTo(t, push, a, out); !strings.Contains(body, "no list of its authority") {
		t.Errorf("a client of the authority without a list: %s", body)
	}
	if _, body := pushTo(t, push, a, good); !strings.Contains(body, "request_uri") {
		t.Errorf("a client of the other: %s", body)
	}
}

// together writes one file of what each authority has, in one step.
func together(t *testing.T, path string, all []*certstest.Authority, file func(*certstest.Authority) string) string {
	t.Helper()
	var text []byte
	for _, a := range all {
		one, err := os.ReadFile(file(a))
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, one...)
	}
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	return path
}
