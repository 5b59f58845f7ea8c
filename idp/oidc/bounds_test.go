package oidc_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"tegata/idp/clients"
)

func TestPushingForAPublicClientIsBounded(t *testing.T) { // RFC 9126 §2.3, §7.1
	w := start(t)
	push := func(client, place string) answer {
		form, header := w.proof(client)
		for name, values := range request(client) {
			form[name] = values
		}
		if header == "" {
			return w.post("/oauth2/par", form, "X-Test-Place: "+place)
		}
		return w.post("/oauth2/par", form, "X-Test-Place: "+place, header)
	}
	var last answer
	for range 301 {
		last = push("native", "192.0.2.1")
	}
	if last.StatusCode != http.StatusTooManyRequests || last.json(t)["error"] != "temporarily_unavailable" || last.Header.Get("Retry-After") == "" {
		t.Errorf("number 301: status %d %s, want 429", last.StatusCode, last.Body)
	}
	for name, got := range map[string]answer{"another place": push("native", "192.0.2.2"), "a client that proves itself": push("basic", "192.0.2.1")} {
		if got.StatusCode != http.StatusCreated {
			t.Errorf("%s: status %d %s", name, got.StatusCode, got.Body)
		}
	}
	w.clock.Move(time.Second)
	if got := push("native", "192.0.2.1"); got.StatusCode != http.StatusCreated {
		t.Errorf("a second later: status %d", got.StatusCode)
	}
}

func TestFetchesForAClientAreBounded(t *testing.T) {
	w := start(t)
	var calls atomic.Int64
	there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		http.Error(w, "nothing", http.StatusNotFound)
	}))
	t.Cleanup(there.Close)
	w.edit("tracker", func(c *clients.Client) { c.RequestURIs = []string{there.URL + "/object"} })
	ask := func(place string) answer {
		return w.get("/oauth2/authorize?"+request("tracker", "request_uri="+there.URL+"/object").Encode(), "X-Test-Place: "+place)
	}
	for range 60 {
		refused(t, "an address that has nothing", ask("192.0.2.1"), "invalid_request_uri")
	}
	refused(t, "too often", ask("192.0.2.1"), "temporarily_unavailable")
	refused(t, "from elsewhere", ask("192.0.2.2"), "invalid_request_uri")
	if n := calls.Load(); n != 61 {
		t.Errorf("%d calls, want 61", n)
	}
}

// A client that keeps changing the address of its keys is bounded as a client.
func TestKeyFetchesAreBoundedAcrossAddresses(t *testing.T) {
	w := start(t).logIn()
	var calls atomic.Int64
	there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		http.Error(w, "nothing", http.StatusNotFound)
	}))
	t.Cleanup(there.Close)
	for i := range 70 {
		w.edit("old", func(c *clients.Client) { c.JWKS, c.JWKSURI = nil, there.URL+"/"+strconv.Itoa(i) })
		form, _ := w.proof("old")
		wantError(t, w.post("/oauth2/revoke", with(form, "token=x")), 401, "invalid_client")
	}
	if n := calls.Load(); n != 60 {
		t.Errorf("%d calls, want 60", n)
	}
}
