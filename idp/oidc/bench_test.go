package oidc_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// BenchmarkCodeFlow is authorize and token for a person who is signed in, without
// network: two durable commits. cpu-ns/op is user and system time of the process, the
// client's side left out. callers=16 shows what sharing commits brings.
func BenchmarkCodeFlow(b *testing.B) {
	for _, c := range []struct {
		client  string
		callers int
	}{{"tracker", 1}, {"tracker", 16}, {"post", 1}} {
		name := c.client + "/callers=1"
		if c.callers > 1 {
			name = c.client + "/callers=16"
		}
		b.Run(name, func(b *testing.B) {
			w := start(b).logIn()
			forms := make([]url.Values, b.N)
			for i := range forms {
				form, _ := w.proof(c.client)
				forms[i] = with(form, "grant_type=authorization_code", "redirect_uri="+callback, "code_verifier="+verifier)
			}
			path := "/oauth2/authorize?" + request(c.client).Encode()
			var next atomic.Int64
			b.ReportAllocs()
			b.SetParallelism(max(1, c.callers/2))
			before := cpu()
			b.ResetTimer()
			run := func(more func() bool) {
				for more() {
					w.flow(b, path, forms[next.Add(1)-1])
				}
			}
			if c.callers > 1 {
				b.RunParallel(func(pb *testing.PB) { run(pb.Next) })
			} else {
				n := 0
				run(func() bool { n++; return n <= b.N })
			}
			b.StopTimer()
			b.ReportMetric(float64(cpu()-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// flow runs both requests straight through the handler.
func (w *world) flow(b *testing.B, path string, form url.Values) {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for name, value := range w.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	answer := httptest.NewRecorder()
	w.server.Config.Handler.ServeHTTP(answer, r)
	at, err := url.Parse(answer.Header().Get("Location"))
	if err != nil || at.Query().Get("code") == "" {
		b.Fatalf("authorize: %d %v", answer.Code, answer.Header())
	}
	form.Set("code", at.Query().Get("code"))
	r = httptest.NewRequest(http.MethodPost, "/oauth2/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer = httptest.NewRecorder()
	w.server.Config.Handler.ServeHTTP(answer, r)
	if answer.Code != http.StatusOK {
		b.Fatalf("token: %d %s", answer.Code, answer.Body)
	}
}

// cpu is the time this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkRefusedCode is the error path: a known client, a code that nobody issued.
func BenchmarkRefusedCode(b *testing.B) {
	w := start(b)
	form, _ := w.proof("post")
	body := with(form, "grant_type=authorization_code", "redirect_uri="+callback, "code=x").Encode()
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/oauth2/token", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer := httptest.NewRecorder()
		w.server.Config.Handler.ServeHTTP(answer, r)
		if answer.Code != http.StatusBadRequest {
			b.Fatalf("status %d", answer.Code)
		}
	}
}
