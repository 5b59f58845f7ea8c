package observe_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tegata/shared/observe"
	"tegata/shared/serve"
)

func TestLogsHideWhatLooksLikeASecret(t *testing.T) {
	for _, format := range []string{"json", "text"} {
		var out bytes.Buffer
		log, err := observe.NewLogger(&out, "info", format)
		if err != nil {
			t.Fatal(err)
		}
		log.With("Authorization", "hush-1").WithGroup("client").Info("x",
			"access_token", "hush-2", "client_secret", "hush-3", "code", "hush-4", "password", "hush-5",
			slog.Group("form", "Cookie", "hush-6"), "error_code", "seen-1", "took", 90*time.Millisecond)
		log.Debug("unseen")
		if got := out.String(); strings.Contains(got, "hush") || strings.Contains(got, "unseen") ||
			!strings.Contains(got, "seen-1") || !strings.Contains(got, "90ms") {
			t.Errorf("%s: %s", format, got)
		}
	}
	for _, c := range [][2]string{{"loud", "json"}, {"info", "xml"}} {
		if _, err := observe.NewLogger(io.Discard, c[0], c[1]); err == nil {
			t.Errorf("%v was taken", c)
		}
	}
}

func TestLogsCarryTheRequestIDOnce(t *testing.T) {
	var out bytes.Buffer
	log, _ := observe.NewLogger(&out, "info", "json")
	front := serve.Front{Log: log}
	h := front.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log.InfoContext(r.Context(), "within")
	}))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	id := w.Header().Get("X-Request-Id")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for _, line := range lines {
		if strings.Count(line, id) != 1 {
			t.Errorf("want the request id once in %s", line)
		}
	}
	if len(lines) != 2 {
		t.Errorf("%d lines, want 2", len(lines))
	}
}

func TestMetricsCountByRouteAndClass(t *testing.T) {
	m := observe.NewMetrics("idp", "v1")
	m.Gauge("tegata_hash_queue", "Hashes that wait.", func() float64 { return 3 })
	m.GaugeBy("tegata_outbox", "Messages by state.", "state", func(context.Context) (map[string]int, error) {
		return map[string]int{"queued": 2}, nil
	})
	m.GaugeBy("tegata_broken", "Cannot be asked.", "state", func(context.Context) (map[string]int, error) {
		return nil, errors.New("down")
	})
	refused := m.Counter("tegata_limited_total", "Refusals by rule.", "rule")
	refused("login.account")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /activate/{token}", func(http.ResponseWriter, *http.Request) {})
	front := serve.Front{Log: slog.New(slog.DiscardHandler), Observe: m.Request}
	h := front.Handler(serve.Routed(mux))
	for _, path := range []string{"/activate/one", "/activate/two", "/nowhere/at/all"} {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
	}
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		`tegata_http_requests_total{class="2xx",method="GET",route="GET /activate/{token}"} 2`,
		`tegata_http_requests_total{class="4xx",method="GET",route="none"} 1`,
		`tegata_http_request_seconds_count{route="GET /activate/{token}"} 2`,
		"tegata_hash_queue 3", `tegata_outbox{state="queued"} 2`, `tegata_limited_total{rule="login.account"} 1`,
		`tegata_info{program="idp",version="v1"} 1`, "go_goroutines", "process_resident_memory_bytes",
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("not shown: %s", want)
		}
	}
	for _, secret := range []string{"/activate/one", "nowhere", "tegata_broken"} {
		if strings.Contains(w.Body.String(), secret) {
			t.Errorf("%s is shown", secret)
		}
	}
}
