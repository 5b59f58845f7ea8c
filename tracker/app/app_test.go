package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"tegata/shared/db/dbtest"
	"tegata/shared/program/programtest"
	"tegata/tracker/app"
	"tegata/tracker/app/apptest"
)

func get(t *testing.T, address string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

// RFC 7517: public halves only, and a cache may keep them for a while.
func TestThePublicKeysAreServed(t *testing.T) {
	h := apptest.Start(t, apptest.Options{})
	answer, body := get(t, h.URL+"/.well-known/jwks.json")
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal([]byte(body), &set); err != nil || len(set.Keys) != 2 {
		t.Fatalf("JWKS %s, %v; want the active and the next key", body, err)
	}
	for _, key := range set.Keys {
		if key["kty"] != "EC" || key["alg"] != "ES256" || key["kid"] == "" || key["d"] != nil {
			t.Errorf("key %v, want a public ES256 key", key)
		}
	}
	if got := answer.Header.Get("Cache-Control"); got != "public, max-age=300" {
		t.Errorf("Cache-Control is %q", got)
	}
	if again, _ := get(t, h.URL+"/.well-known/jwks.json", "If-None-Match", answer.Header.Get("Etag")); again.StatusCode != http.StatusNotModified {
		t.Errorf("the same again answers %d, want 304", again.StatusCode)
	}
}

func TestWhatIsNotThereIsAPageToo(t *testing.T) {
	h := apptest.Start(t, apptest.Options{})
	for path, want := range map[string]int{
		"/nothing": http.StatusNotFound, "/static/x/nothing.css": http.StatusNotFound, "/static/..%2f..%2fgo.mod": http.StatusNotFound,
		"/metrics": http.StatusNotFound, "/debug/pprof/": http.StatusNotFound, "/dev/postbox": http.StatusNotFound,
		"/logout": http.StatusMethodNotAllowed, "/healthz": http.StatusOK, "/readyz": http.StatusOK,
	} {
		answer, body := get(t, h.URL+path, "Accept-Language", "ja")
		if answer.StatusCode != want {
			t.Errorf("%s answers %d, want %d", path, answer.StatusCode, want)
		}
		if want >= 400 && !strings.Contains(body, `<html lang="ja">`) {
			t.Errorf("%s is no page in the reader's language: %s", path, body)
		}
	}
}

// Two nodes on one database: one migrates and makes the keys, the other waits, and
// both sign with the same one.
func TestTwoNodesStartAtOnce(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, rawURL string) {
		kids := make([]string, 2)
		cfg := apptest.Config(t, apptest.Options{DatabaseURL: rawURL, Listener: programtest.Listen(t)})
		if _, err := cfg.KEK(); err != nil { // made once, as an operator does
			t.Fatal(err)
		}
		var nodes sync.WaitGroup
		for i := range kids {
			nodes.Go(func() {
				a, err := app.New(t.Context(), cfg, app.Options{Listener: programtest.Listen(t)})
				if err != nil {
					t.Error(err)
					return
				}
				kid, _, err := a.Keys.Signer(t.Context(), "ES256")
				if err != nil {
					t.Error(err)
				}
				kids[i] = kid
				if err := a.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		nodes.Wait()
		if kids[0] == "" || kids[0] != kids[1] {
			t.Errorf("the nodes sign with %q and %q, want one key", kids[0], kids[1])
		}
	})
}
