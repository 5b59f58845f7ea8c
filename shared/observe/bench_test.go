package observe_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"tegata/shared/observe"
	"tegata/shared/serve"
)

// BenchmarkFront is what every request passes, with log and metrics, around a handler
// that answers nothing: what it takes away from all the others.
func BenchmarkFront(b *testing.B) {
	log, err := observe.NewLogger(io.Discard, "info", "text")
	if err != nil {
		b.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /oauth2/token", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	h := serve.Front{Log: log, Observe: observe.NewMetrics("idp", "v1").Request}.Handler(serve.Routed(mux))
	r := httptest.NewRequest("POST", "/oauth2/token", nil)
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(&blank{header: http.Header{}}, r)
	}
}

// blank is an answer that nobody reads.
type blank struct{ header http.Header }

func (b *blank) Header() http.Header         { return b.header }
func (b *blank) Write(p []byte) (int, error) { return len(p), nil }
func (b *blank) WriteHeader(int)             {}
