package serve

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"
)

// checkTimeout bounds one readiness check.
const checkTimeout = 2 * time.Second

// Check is one thing that must work before we take requests.
type Check struct {
	Name string
	Run  func(ctx context.Context) error
}

// Health answers load balancers. /healthz says that the process lives; /readyz says
// that it should get requests. Why a check fails is for the log, not for strangers.
type Health struct {
	Log    *slog.Logger
	Checks []Check

	stopping atomic.Bool
	red      atomic.Bool // the last answer of /readyz was red
}

// Stop turns /readyz red for good, so that no new requests are sent to us.
func (h *Health) Stop() { h.stopping.Store(true) }

// Mount puts /healthz and /readyz on mux.
func (h *Health) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", h.live)
	mux.HandleFunc("GET /readyz", h.ready)
}

func (h *Health) live(w http.ResponseWriter, r *http.Request) {
	Quiet(r.Context())
	writeHealth(w, http.StatusOK, map[string]any{"status": "alive"})
}

func (h *Health) ready(w http.ResponseWriter, r *http.Request) {
	Quiet(r.Context())
	if h.stopping.Load() {
		writeHealth(w, http.StatusServiceUnavailable, map[string]any{"status": "stopping"})
		return
	}
	checks, good := h.run(r.Context())
	if !good {
		writeHealth(w, http.StatusServiceUnavailable, map[string]any{"status": "not ready", "checks": checks})
		return
	}
	writeHealth(w, http.StatusOK, map[string]any{"status": "ready", "checks": checks})
}

// run makes each check and logs when red begins and ends, not each time it is asked.
func (h *Health) run(ctx context.Context) (checks map[string]string, good bool) {
	checks, good = map[string]string{}, true
	was := h.red.Load()
	for _, c := range h.Checks {
		ctx, cancel := context.WithTimeout(ctx, checkTimeout)
		err := c.Run(ctx)
		cancel()
		checks[c.Name] = "ok"
		if err == nil {
			continue
		}
		checks[c.Name], good = "failing", false
		if !was {
			h.Log.WarnContext(ctx, "not ready", "check", c.Name, "cause", err)
		}
	}
	if h.red.Swap(!good) && good {
		h.Log.InfoContext(ctx, "ready again")
	}
	return checks, good
}

func writeHealth(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}
