package app

import (
	"context"
	"net"
	"net/http"

	"tegata/shared/observe"
	"tegata/shared/serve"
)

// telemetry is what operators see: metrics on a listener of their own, and traces
// when they are configured.
type telemetry struct {
	metrics  *observe.Metrics
	traces   *observe.Traces
	listener net.Listener // nil: no metrics
}

func (a *App) startTelemetry(ctx context.Context, version string) (err error) {
	t := &a.telemetry
	t.metrics = observe.NewMetrics("tracker", version)
	if a.certificates != nil {
		t.metrics.Certificate(a.certificates.Expires, a.certificates.Failing)
	}
	t.metrics.GaugeBy("signing_key_age_seconds", "Age of signing keys by algorithm and state.", "key", a.Keys.Ages)
	if t.traces, err = observe.StartTraces(ctx, a.Config.Tracing.Endpoint, "tracker", version); err != nil {
		return err
	}
	if a.Config.Metrics.Listen == "" {
		return nil
	}
	t.listener, err = net.Listen("tcp", a.Config.Metrics.Listen)
	return err
}

// serveMetrics answers Prometheus until ctx ends.
func (a *App) serveMetrics(ctx context.Context) {
	if a.telemetry.listener == nil {
		return
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.telemetry.metrics.Handler())
	server := &serve.Server{Listener: a.telemetry.listener, Handler: mux, Log: a.Log}
	a.complain("metrics listener", server.Run(ctx))
}
