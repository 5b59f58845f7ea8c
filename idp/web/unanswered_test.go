package web_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"tegata/idp/app/apptest"
	"tegata/shared/browser"
)

// logbook keeps what a program logs.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

// errors are the lines at that level.
func (l *logbook) errors() (lines []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, "level=ERROR") {
			lines = append(lines, line)
		}
	}
	return lines
}

// Somebody whose client cannot be answered reads a page as at every other dead end, and no
// JSON (RFC 6749 §4.1.2.1). It is in our log as an error where it is one of ours.
func TestPeopleReadWhyTheClientGotNoAnswer(t *testing.T) {
	party := httptest.NewServer(http.NotFoundHandler()) // no keys there
	t.Cleanup(party.Close)
	log := &logbook{}
	idp := apptest.Start(t, apptest.Options{Log: slog.New(slog.NewTextHandler(log, nil)), Clients: fmt.Sprintf(`clients:
  - client_id: keyless
    client_name: {en: Keyless}
    redirect_uris: [%q]
    client_secret_digests: [%s]
    jwks_uri: %q
    authorization_encrypted_response_alg: RSA-OAEP-256
  - client_id: signed
    client_name: {en: Signed}
    redirect_uris: [%[1]q]
    client_secret_digests: [%[2]s]
    authorization_signed_response_alg: PS256
`, party.URL+"/callback", partySecret, party.URL+"/jwks")})
	ask := func(client string) string {
		return "/oauth2/authorize?response_type=code&response_mode=jwt&scope=openid&prompt=none&client_id=" + client + "&redirect_uri=" + party.URL + "/callback"
	}
	en := browser.InProcess(t, browser.Options{Base: idp.URL, Language: "en"})
	ja := browser.InProcess(t, browser.Options{Base: idp.URL, Language: "ja"})
	if en.Visit(ask("keyless")).Title("We could not answer the service").Sees("its encryption key is missing").Status() != http.StatusBadRequest {
		t.Errorf("status %d, want 400", en.Status())
	}
	ja.Visit(ask("keyless")).Title("サービスに結果を返せませんでした").Sees("暗号化用の鍵")
	if lines := log.errors(); len(lines) != 0 {
		t.Errorf("the client's fault is logged as ours: %q", lines)
	}

	if _, err := idp.DB.Exec(t.Context(), `delete from signing_keys where alg = 'PS256'`); err != nil {
		t.Fatal(err)
	}
	if err := idp.Keys.Ensure(t.Context()); err != nil { // reads the ring again
		t.Fatal(err)
	}
	if en.Visit(ask("signed")).Title("Something went wrong on our side").Status() != http.StatusInternalServerError {
		t.Errorf("status %d, want 500", en.Status())
	}
	if lines := log.errors(); len(lines) != 1 || !strings.Contains(lines[0], "PS256") {
		t.Errorf("logged %q, want one error that tells why", lines)
	}
}
