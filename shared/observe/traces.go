package observe

import (
	"context"
	"net/http"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"

	"tegata/shared/serve"
)

// Traces makes spans. A nil *Traces makes none and costs nothing.
type Traces struct {
	provider *trace.TracerProvider
	tracer   api.Tracer
}

// StartTraces sends spans to an OTLP endpoint (http://localhost:4318), in batches and
// in the background; a collector that is down loses spans and slows nothing. With an
// empty endpoint it gives nil.
func StartTraces(ctx context.Context, endpoint, program, version string) (*Traces, error) {
	if endpoint == "" {
		return nil, nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint), otlptracehttp.WithTimeout(5*time.Second))
	if err != nil {
		return nil, err
	}
	return newTraces(trace.WithBatcher(exporter), program, version), nil
}

func newTraces(to trace.TracerProviderOption, program, version string) *Traces {
	what := resource.NewSchemaless(
		attribute.String("service.name", "tegata-"+program), attribute.String("service.version", version))
	provider := trace.NewTracerProvider(to, trace.WithResource(what))
	otel.SetTracerProvider(provider) // fosite and zitadel/oidc find it there
	return &Traces{provider: provider, tracer: provider.Tracer("tegata")}
}

// Stop sends what is left.
func (t *Traces) Stop(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// Handler makes a span for each request; it belongs inside of serve.Front. We do not
// use otelhttp for this: it records paths, which may hold tokens. A caller's
// traceparent links its span to ours but decides nothing.
func (t *Traces) Handler(next http.Handler) http.Handler {
	if t == nil {
		return next
	}
	var parent propagation.TraceContext
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := serve.Of(r.Context())
		options := []api.SpanStartOption{api.WithSpanKind(api.SpanKindServer), api.WithNewRoot(),
			api.WithAttributes(attribute.String("http.request.method", r.Method), attribute.String("tegata.request_id", x.ID))}
		caller := parent.Extract(context.Background(), propagation.HeaderCarrier(r.Header))
		if link := api.LinkFromContext(caller); link.SpanContext.IsValid() {
			options = append(options, api.WithLinks(link))
		}
		ctx, span := t.tracer.Start(r.Context(), r.Method, options...)
		seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			if x.Route != "" {
				span.SetName(x.Route) // "GET /login"
			}
			span.SetAttributes(attribute.String("http.route", x.Route), attribute.Int("http.response.status_code", seen.status))
			if seen.status >= 500 {
				span.SetStatus(codes.Error, "")
			}
			span.End()
		}()
		next.ServeHTTP(seen, r.WithContext(ctx))
	})
}

// statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (s *statusWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (s *statusWriter) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}
