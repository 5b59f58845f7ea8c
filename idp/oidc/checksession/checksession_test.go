package checksession_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tegata/idp/oidc/checksession"
	"tegata/idp/sessions"
	"tegata/shared/clock"
	"tegata/shared/secret"
)

func TestSessionStateIsForOneClientAtOneOrigin(t *testing.T) { // OIDC Session Management §2, §3.2
	seal, err := secret.NewSealer(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	held := clock.Hold(time.Unix(1_790_000_000, 0))
	service := checksession.Service{Seal: seal, Clock: held.Now}
	someone := &sessions.Session{ID: "sid", ExpiresAt: held.Now().Add(time.Hour)}
	for _, c := range []struct {
		uri, origin string
		who         *sessions.Session
		lives       int // seconds
	}{
		{"https://rp.test/cb?a=b", "https://rp.test", someone, 3600},
		{"https://RP.test:443/cb", "https://rp.test", someone, 3600}, // as scripts see it
		{"http://127.0.0.1:80/cb", "http://127.0.0.1", someone, 3600},
		{"https://rp.test:8443/cb", "https://rp.test:8443", nil, 7 * 24 * 3600},
		{"org.example.app:/cb", "", someone, 0}, // no web page
	} {
		w := httptest.NewRecorder()
		state := service.State(w, "shop", c.uri, c.who)
		cookies := w.Result().Cookies()
		if c.origin == "" {
			if state != "" || len(cookies) != 0 {
				t.Errorf("%s: %q, cookies %v", c.uri, state, cookies)
			}
			continue
		}
		if len(cookies) != 1 || cookies[0].Path != checksession.Path || cookies[0].HttpOnly || cookies[0].MaxAge != c.lives || (cookies[0].Value == "-") != (c.who == nil) {
			t.Fatalf("%s: cookies %+v", c.uri, cookies)
		}
		sum, salt, _ := strings.Cut(state, ".")
		want := sha256.Sum256([]byte("shop " + c.origin + " " + cookies[0].Value + " " + salt))
		if salt == "" || sum != hex.EncodeToString(want[:]) {
			t.Errorf("%s: %q is not the state of %s", c.uri, state, c.origin)
		}
	}
}

func TestTheFrameMayComeByHTTPInDevelopmentAlone(t *testing.T) {
	for development, want := range map[bool]string{false: "frame-ancestors https:", true: "frame-ancestors https: http:"} {
		w := httptest.NewRecorder()
		checksession.Service{Development: development}.Frame(w, httptest.NewRequest(http.MethodGet, checksession.Path, nil))
		if policy := w.Header().Get("Content-Security-Policy"); !strings.HasSuffix(policy, want) {
			t.Errorf("development %t: %s", development, policy)
		}
	}
}
