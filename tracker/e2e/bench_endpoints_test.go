package e2e_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
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
			load(b, idp, func(client *http.Client) (*http.Request, error) {
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
			})
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

// load sends b.N requests from 16 callers and reports; every answer must be 200.
func load(b *testing.B, idp *binary, request func(*http.Client) (*http.Request, error)) {
	const callers = 16
	var (
		mu    sync.Mutex
		took  []time.Duration
		work  = make(chan struct{})
		group sync.WaitGroup
	)
	before := idp.cpu()
	b.ResetTimer()
	for range callers {
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
		group.Go(func() {
			for range work {
				began := time.Now()
				if err := call(client, request); err != "" {
					b.Error(err)
				}
				mu.Lock()
				took = append(took, time.Since(began))
				mu.Unlock()
			}
		})
	}
	for range b.N {
		work <- struct{}{}
	}
	close(work)
	group.Wait()
	b.StopTimer()
	slices.Sort(took)
	cpu := idp.cpu() - before
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
	b.ReportMetric(float64(cpu.Microseconds())/float64(b.N), "cpu-µs/call")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

// call makes one request and tells what was wrong with the answer.
func call(client *http.Client, request func(*http.Client) (*http.Request, error)) string {
	r, err := request(client)
	if err != nil {
		return err.Error()
	}
	resp, err := client.Do(r)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		return r.URL.Path + ": " + resp.Status + " " + string(body)
	}
	return ""
}
