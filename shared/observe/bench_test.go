package observe_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"tegata/shared/observe"
	"tegata/shared/serve"
)

// BenchmarkFront is what every request passes, around a handler that answers nothing: what
// it takes away from all the others. Alone, for a caller and for one behind a proxy of
// ours; and with log and metrics, as programs have it.
func BenchmarkFront(b *testing.B) {
	proxies, err := serve.ParseProxies([]string{"10.0.0.0/8"})
	if err != nil {
		b.Fatal(err)
	}
	silent := slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelWarn}))
	log, err := observe.NewLogger(io.Discard, "info", "text")
	if err != nil {
		b.Fatal(err)
	}
	const direct, proxied = "198.51.100.7:4711", "10.1.2.3:4711"
	for _, c := range []struct {
		name, from string
		front      serve.Front
	}{
		{"direct", direct, serve.Front{Log: silent, Proxies: proxies}},
		{"proxied", proxied, serve.Front{Log: silent, Proxies: proxies}},
		{"observed", direct, serve.Front{Log: log, Proxies: proxies, Observe: observe.NewMetrics("idp", "v1").Request}},
	} {
		b.Run(c.name, func(b *testing.B) {
			mux := http.NewServeMux()
			mux.HandleFunc("GET /oauth2/jwks", func(w http.ResponseWriter, _ *http.Request) {
				serve.Data(w)
				w.WriteHeader(http.StatusOK)
			})
			h := c.front.Handler(serve.Routed(mux))
			r := httptest.NewRequest("GET", "/oauth2/jwks", nil)
			r.RemoteAddr = c.from
			r.Header.Set("X-Forwarded-For", "203.0.113.9")
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(&blank{header: http.Header{}}, r)
			}
		})
	}
}

// blank is an answer that nobody reads.
type blank struct{ header http.Header }

func (b *blank) Header() http.Header         { return b.header }
func (b *blank) Write(p []byte) (int, error) { return len(p), nil }
func (b *blank) WriteHeader(int)             {}
