package program

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"

	"tegata/shared/certs"
	"tegata/shared/observe"
	"tegata/shared/serve"
)

// Server is the part of a program that listens. The program sets Handler.
type Server struct {
	Handler      http.Handler
	Health       *serve.Health
	Certificates certs.Source // nil: a proxy ends TLS
	TLS          *tls.Config  // nil: plain http
	Metrics      *observe.Metrics
	Traces       *observe.Traces

	mechanisms *Mechanisms
	listener   net.Listener
	metrics    net.Listener // nil: nobody reads metrics
}

// NewServer reads the certificate, so that a broken one shows at once, and begins to
// measure. Nobody can call before Listen.
func NewServer(ctx context.Context, m *Mechanisms) (*Server, error) {
	s := &Server{
		Health: &serve.Health{Log: m.Log, Checks: m.checks()}, mechanisms: m, listener: m.options.Listener,
	}
	if err := s.openTLS(); err != nil {
		return nil, err
	}
	return s, s.measure(ctx)
}

func (s *Server) openTLS() (err error) {
	m := s.mechanisms
	s.Certificates, err = m.setup.TLS.Source(certs.Store{DB: m.DB, Seal: m.Seal, Clock: m.Clock}, m.setup.Hosts, m.Clock, m.Log)
	if err == nil && s.Certificates != nil {
		s.TLS = certs.Config(s.Certificates, m.setup.TLS.Least())
	}
	return err
}

// measure starts what operators see: metrics, on a listener of their own, and traces
// when they are configured.
func (s *Server) measure(ctx context.Context) (err error) {
	m, setup := s.mechanisms, s.mechanisms.setup
	s.Metrics = observe.NewMetrics(setup.Name, m.options.Version)
	s.Metrics.GaugeBy("tegata_signing_key_age_seconds", "Age of signing keys by algorithm and state.", "key", m.Keys.Ages)
	s.Metrics.GaugeBy("tegata_signing_key_overdue_seconds", "How long the next key should sign already by the schedule.", "alg", m.Keys.Overdue)
	s.Metrics.Count("tegata_signatures_failed_total", "Signatures that were asked for and could not be given.", func() float64 { return float64(m.Keys.Failed()) })
	s.Metrics.Gauge("tegata_keys_device_away", "1 while the PKCS #11 device that holds signing keys cannot be used; 0 without one.", m.deviceAway)
	if s.Certificates != nil {
		s.Metrics.Certificate(s.Certificates.Expires, s.Certificates.Failing)
	}
	if s.Traces, err = observe.StartTraces(ctx, setup.Config.Tracing.Endpoint, setup.Name, m.options.Version); err != nil {
		return err
	}
	if setup.Config.Metrics.Listen == "" {
		return nil
	}
	s.metrics, err = net.Listen("tcp", setup.Config.Metrics.Listen)
	return err
}

// serveMetrics answers Prometheus until ctx ends.
func (s *Server) serveMetrics(ctx context.Context) {
	if s.metrics == nil {
		return
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.Metrics.Handler())
	server := &serve.Server{Listener: s.metrics, Handler: mux, Log: s.mechanisms.Log}
	s.mechanisms.Complain("metrics listener", server.Run(ctx))
}

// Front gives what stands before every handler; problem answers what no handler will.
func (s *Server) Front(problem serve.Problem) (serve.Front, error) {
	c := s.mechanisms.setup.Config
	proxies, err := serve.ParseProxies(c.Proxies.Trusted)
	return serve.Front{
		Log: s.mechanisms.Log, Proxies: proxies, HTTPS: c.HTTPS(), Problem: problem, Observe: s.Metrics.Request,
	}, err
}

// Listen opens the port when Options gave none.
func (s *Server) Listen() (err error) {
	if s.listener == nil {
		s.listener, err = net.Listen("tcp", s.mechanisms.setup.Config.Listen)
	}
	return err
}

// URL is where this process can be reached on this machine.
func (s *Server) URL() string { return s.Port().URL() }

// Port gives what serves Handler on the port. Nobody waits for load balancers in
// development.
func (s *Server) Port() *serve.Server {
	p := &serve.Server{Listener: s.listener, Handler: s.Handler, TLS: s.TLS, Log: s.mechanisms.Log, Health: s.Health}
	if !s.mechanisms.setup.Config.Development {
		p.Notice = serve.DefaultNotice
	}
	return p
}
