package serve_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"tegata/shared/serve"
)

// BenchmarkFront is what Front takes away from every answer: around a handler that does
// nothing, for a caller and for one behind a proxy of ours. What the log and the metrics
// take is in observe's benchmark.
func BenchmarkFront(b *testing.B) {
	proxies, err := serve.ParseProxies([]string{"10.0.0.0/8"})
	if err != nil {
		b.Fatal(err)
	}
	for name, from := range map[string]string{"direct": "198.51.100.7:4711", "proxied": "10.1.2.3:4711"} {
		b.Run(name, func(b *testing.B) {
			log := slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelWarn}))
			h := serve.Front{Log: log, Proxies: proxies}.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				serve.Data(w)
				w.WriteHeader(http.StatusOK)
			}))
			r := httptest.NewRequest("GET", "/oauth2/jwks", nil)
			r.RemoteAddr = from
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
