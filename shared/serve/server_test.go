package serve_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tegata/shared/serve"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestStopLetsRequestsUnderWayFinish(t *testing.T) { // F-23
	entered, leave := make(chan struct{}), make(chan struct{})
	health := &serve.Health{Log: quiet()}
	mux := http.NewServeMux()
	health.Mount(mux)
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-leave
		io.WriteString(w, "done")
	})
	s := &serve.Server{Addr: "127.0.0.1:0", Handler: mux, Log: quiet(), Health: health, Notice: 3 * time.Second}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()

	answer := make(chan string, 1)
	go func() {
		res, err := http.Get(s.URL() + "/slow")
		if err != nil {
			answer <- err.Error()
			return
		}
		b, _ := io.ReadAll(res.Body)
		answer <- string(b)
	}()
	<-entered
	stop()
	for status(t, s.URL()+"/readyz") != http.StatusServiceUnavailable { // still listening, already red
	}
	close(leave)
	if got := <-answer; got != "done" {
		t.Errorf("the request under way got %q, want done", got)
	}
	if err := <-ended; err != nil {
		t.Errorf("stop: %v, want nil", err)
	}
}

func TestStopGivesUpAfterTheDrainTime(t *testing.T) {
	entered := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/stuck", func(w http.ResponseWriter, r *http.Request) { close(entered); <-r.Context().Done() })
	s := &serve.Server{Addr: "127.0.0.1:0", Handler: mux, Log: quiet(), Drain: 20 * time.Millisecond}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	go http.Get(s.URL() + "/stuck")
	<-entered
	stop()
	if err := <-ended; err != nil {
		t.Errorf("stop: %v, want nil", err)
	}
}

func TestATakenPortIsNamed(t *testing.T) {
	first := &serve.Server{Addr: "127.0.0.1:0", Log: quiet()}
	if err := first.Listen(); err != nil {
		t.Fatal(err)
	}
	addr := strings.TrimPrefix(first.URL(), "http://")
	if err := (&serve.Server{Addr: addr, Log: quiet()}).Listen(); err == nil || !strings.Contains(err.Error(), addr) {
		t.Errorf("got %v, want an error that names %s", err, addr)
	}
}

func status(t *testing.T, url string) int {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

func TestReadinessFollowsItsChecksAndHidesCauses(t *testing.T) {
	var broken atomic.Bool
	health := &serve.Health{Log: quiet(), Checks: []serve.Check{
		{Name: "database", Run: func(context.Context) error { return nil }},
		{Name: "key ring", Run: func(context.Context) error {
			if broken.Load() {
				return errors.New("sealed with another key")
			}
			return nil
		}},
	}}
	mux := http.NewServeMux()
	health.Mount(mux)
	for _, c := range []struct {
		broken bool
		want   int
		body   string
	}{{false, 200, `"key ring":"ok"`}, {true, 503, `"key ring":"failing"`}, {false, 200, `"status":"ready"`}} {
		broken.Store(c.broken)
		w := ask(mux, httptest.NewRequest("GET", "/readyz", nil))
		if w.Code != c.want || !strings.Contains(w.Body.String(), c.body) || strings.Contains(w.Body.String(), "sealed") {
			t.Errorf("broken=%v: %d %s, want %d with %s", c.broken, w.Code, w.Body, c.want, c.body)
		}
	}
	if w := ask(mux, httptest.NewRequest("GET", "/healthz", nil)); w.Code != 200 {
		t.Errorf("/healthz %d, want 200", w.Code)
	}
}
