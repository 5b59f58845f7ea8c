package observe

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"tegata/shared/serve"
)

func TestWithoutAnEndpointThereAreNoTraces(t *testing.T) {
	traces, err := StartTraces(t.Context(), "", "idp", "v1")
	if traces != nil || err != nil {
		t.Fatalf("got %v %v, want nil, nil", traces, err)
	}
	h := http.NewServeMux()
	if got := traces.Handler(h); got != http.Handler(h) {
		t.Error("the handler was wrapped")
	}
	if err := traces.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestSpansNameTheRouteAndNeverThePath(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	traces := newTraces(trace.WithSyncer(spans), "idp", "v1")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /activate/{token}", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) })
	h := serve.Front{Log: slog.New(slog.DiscardHandler)}.Handler(traces.Handler(serve.Routed(mux)))
	r := httptest.NewRequest("GET", "/activate/s3cr3t?code=s3cr3t", nil)
	r.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	h.ServeHTTP(httptest.NewRecorder(), r)

	got := spans.GetSpans()
	if len(got) != 1 || got[0].Name != "GET /activate/{token}" {
		t.Fatalf("spans %v, want one named by its route", got)
	}
	if text := fmt.Sprintf("%+v", got); strings.Contains(text, "s3cr3t") {
		t.Errorf("the span holds the path: %s", text)
	}
	if len(got[0].Links) != 1 || got[0].Parent.IsValid() {
		t.Error("want the caller's trace as a link, not as a parent")
	}
}
