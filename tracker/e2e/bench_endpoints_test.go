package e2e_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// BenchmarkEndpoints calls each endpoint of the real binary over HTTP, by 16 callers
// with connections of their own, on SQLite with durable commits. It prints calls a
// second, what one costs the server's CPU, and the latencies; healthz is the measure of
// what a fixed answer costs on this machine.
func BenchmarkEndpoints(b *testing.B) {
	idp := build(b)
	idp.start()
	verifier := strings.Repeat("v", 43)
	client, code := idp.signIn(verifier)
	access := idp.redeem(client, code, verifier)
	machine := url.Values{"client_id": {"machine"}, "client_secret": {machineSecret}}
	with := func(more url.Values) url.Values {
		all := url.Values{}
		for _, values := range []url.Values{machine, more} {
			for name, v := range values {
				all[name] = v
			}
		}
		return all
	}
	for _, c := range []struct {
		name, path, bearer string
		form               url.Values
	}{
		{"healthz", "/healthz", "", nil},
		{"discovery", "/.well-known/openid-configuration", "", nil},
		{"jwks", "/oauth2/jwks", "", nil},
		{"client_credentials", "/oauth2/token", "", with(url.Values{"grant_type": {"client_credentials"}})},
		{"userinfo", "/oauth2/userinfo", access, nil},
		{"introspection", "/oauth2/introspect", "", with(url.Values{"token": {idp.machineToken(machine)}})},
	} {
		b.Run(c.name, func(b *testing.B) {
			clients := make([]*http.Client, callers)
			for i := range clients {
				clients[i] = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
			}
			request := func() (*http.Request, error) {
				if c.form != nil {
					r, err := http.NewRequest("POST", idp.url+c.path, strings.NewReader(c.form.Encode()))
					r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
					return r, err
				}
				r, err := http.NewRequest("GET", idp.url+c.path, nil)
				if c.bearer != "" {
					r.Header.Set("Authorization", "Bearer "+c.bearer)
				}
				return r, err
			}
			load(b, idp, func(caller int) (time.Duration, string) { return call(clients[caller], request) })
		})
	}
}

// machineToken is an access token that the client "machine" has for itself.
func (b *binary) machineToken(machine url.Values) string {
	b.t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": machine["client_id"], "client_secret": machine["client_secret"]}
	resp, err := http.PostForm(b.url+"/oauth2/token", form)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.AccessToken == "" {
		b.t.Fatalf("no token for the machine: %s %v", resp.Status, err)
	}
	return answer.AccessToken
}

// call makes one request and tells how long it took and what was wrong with the answer.
func call(client *http.Client, request func() (*http.Request, error)) (took time.Duration, wrong string) {
	r, err := request()
	if err != nil {
		return 0, err.Error()
	}
	began := time.Now()
	resp, err := client.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		wrong = r.URL.Path + ": " + resp.Status + " " + string(body)
	}
	return time.Since(began), wrong
}
