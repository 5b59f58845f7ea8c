package fetch_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tegata/shared/fetch"
)

func TestAnAnswerIsReadUpToABound(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/most":
			w.Write([]byte(strings.Repeat("x", 64<<10)))
		case "/more":
			w.Write([]byte(strings.Repeat("x", 64<<10+1)))
		case "/elsewhere":
			http.Redirect(w, r, "/most", http.StatusFound)
		case "/accept":
			w.Write([]byte(r.Header.Get("Accept")))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer site.Close()
	for path, want := range map[string]string{
		"/more": "more than 65536 bytes", "/elsewhere": "a redirect, which is not followed", "/nothing": "status 404",
	} {
		if _, err := fetch.Get(t.Context(), fetch.Client(true), site.URL+path, "text/plain"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", path, err, want)
		}
	}
	if text, err := fetch.Get(t.Context(), fetch.Client(true), site.URL+"/most", "text/plain"); err != nil || len(text) != 64<<10 {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	if text, err := fetch.Get(t.Context(), fetch.Client(true), site.URL+"/accept", "text/plain"); err != nil || string(text) != "text/plain" {
		t.Errorf("asked for %q, %v", text, err)
	}
}
