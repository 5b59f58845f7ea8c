package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// The times after which a slow caller is let go.
const (
	headerTimeout = 5 * time.Second
	bodyTimeout   = 15 * time.Second
	answerTimeout = DefaultDeadline + 5*time.Second // enough to say that it took too long
	idleTimeout   = 60 * time.Second
	maxHeader     = 32 << 10
	maxStreams    = 100 // requests at a time over one HTTP/2 connection

	// DefaultNotice is how long load balancers have to see that we are about to stop.
	DefaultNotice = 5 * time.Second

	// DefaultDrain is how long requests under way may take after a stop (F-23).
	DefaultDrain = 25 * time.Second
)

// Server listens on one address. Call Listen, then Run; Run alone does both.
type Server struct {
	Addr    string // "127.0.0.1:9000"; port 0 takes a free one
	Handler http.Handler
	Log     *slog.Logger
	Health  *Health       // turned red at the beginning of a stop; may be nil
	Notice  time.Duration // how long /readyz is red before we stop to listen; 0 where no load balancer asks
	Drain   time.Duration // 0 means DefaultDrain
	TLS     *tls.Config   // nil serves plain HTTP/1.1; else HTTP/2 too

	Listener net.Listener // open already; nil: Listen opens Addr
}

// Listen opens the port, so that mistakes show before anything else starts.
func (s *Server) Listen() error {
	l, err := net.Listen("tcp", s.Addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.Addr, err)
	}
	s.Listener = l
	return nil
}

// URL is where the server can be reached from this machine; call it after Listen.
func (s *Server) URL() string {
	if s.TLS != nil {
		return "https://" + s.Listener.Addr().String()
	}
	return "http://" + s.Listener.Addr().String()
}

// Run serves until ctx ends, then stops in order: /readyz red, no new connections,
// requests under way finish. It gives nil after a clean stop.
func (s *Server) Run(ctx context.Context) error {
	if s.Listener == nil {
		if err := s.Listen(); err != nil {
			return err
		}
	}
	web := s.http()
	failed := make(chan error, 1)
	go func() { failed <- s.serve(web) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	return s.stop(web)
}

// http is the server with its limits.
func (s *Server) http() *http.Server {
	return &http.Server{
		Handler:           s.Handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       bodyTimeout,
		WriteTimeout:      answerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		TLSConfig:         s.TLS.Clone(), // net/http writes into it
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
}

func (s *Server) serve(web *http.Server) error {
	l := &deadlines{Listener: s.Listener}
	if s.TLS != nil {
		return web.ServeTLS(l, "", "")
	}
	return web.Serve(l)
}

func (s *Server) stop(web *http.Server) error {
	if s.Health != nil {
		s.Health.Stop()
	}
	if s.Notice > 0 {
		time.Sleep(s.Notice)
	}
	drain := s.Drain
	if drain == 0 {
		drain = DefaultDrain
	}
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	err := web.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		s.Log.Warn("some requests did not finish in time", "drain", drain)
		return web.Close()
	}
	return err
}

// RunAll runs the servers until ctx ends or one of them fails, which stops the others.
func RunAll(ctx context.Context, servers ...*Server) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	errs := make([]error, len(servers))
	var all sync.WaitGroup
	for i, s := range servers {
		all.Go(func() {
			defer stop()
			errs[i] = s.Run(ctx)
		})
	}
	all.Wait()
	return errors.Join(errs...)
}
