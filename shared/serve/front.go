package serve

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"tegata/shared/audit"
)

// DefaultMaxBody is the longest request body taken: our longest form has a twentieth
// of it. Pushed authorization requests with long claims fit too.
const DefaultMaxBody = 64 << 10

// DefaultDeadline is how long an answer may be worked on.
const DefaultDeadline = 30 * time.Second

// Front is what every request passes before it reaches a mux. Fill it in app.go.
type Front struct {
	Log     *slog.Logger
	Proxies Proxies                                                                         // whose X-Forwarded-* count; none when empty
	HTTPS   bool                                                                            // the public URL is https: send Strict-Transport-Security
	MaxBody int64                                                                           // bytes; 0 means DefaultMaxBody
	Within  time.Duration                                                                   // after which a request's context ends; 0 means DefaultDeadline
	Clients *ClientCertificates                                                             // nil: callers' certificates are not looked at
	Problem Problem                                                                         // 413 and 500 as pages
	Observe func(ctx context.Context, route, method string, status int, took time.Duration) // metrics; may be nil
}

// Handler puts the front before next.
func (f Front) Handler(next http.Handler) http.Handler {
	limit := f.MaxBody
	if limit == 0 {
		limit = DefaultMaxBody
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{began: time.Now()}
		x, rec := &v.exchange, &v.recorder
		rec.ResponseWriter = w
		f.meet(w, r, x)
		if r.ContentLength != 0 { // -1 when nobody said
			// Around the bare w, which lets net/http close a connection that goes on sending.
			r.Body = http.MaxBytesReader(w, r.Body, limit)
		}
		v.context.Context, v.context.about, v.context.until = r.Context(), x, v.began.Add(cmp.Or(f.Within, DefaultDeadline))
		defer v.context.end()
		ctx := audit.WithOrigin(&v.context, audit.Origin{RequestID: x.ID, Place: x.Place, Agent: cut(r.UserAgent(), maxAgent)})
		r = r.WithContext(ctx)
		defer f.note(v, r)
		defer f.recover(rec, r)
		f.headers(x.header, x)
		if r.ContentLength > limit {
			f.Problem.answer(rec, r, http.StatusRequestEntityTooLarge)
			return
		}
		next.ServeHTTP(rec, r)
	})
}

// visit is what Front keeps of one request, in one piece of memory.
type visit struct {
	began    time.Time
	exchange Exchange
	context  requestContext
	recorder recorder
}

// meet finds out who calls.
func (f Front) meet(w http.ResponseWriter, r *http.Request, x *Exchange) {
	f.Proxies.read(r, x)
	f.readClient(r, x)
	if x.ID == "" {
		x.ID = newRequestID()
	}
	x.header = w.Header()
}

// recover turns a panic into the 500 page and one log entry with its stack.
func (f Front) recover(rec *recorder, r *http.Request) {
	cause := recover()
	if cause == nil {
		return
	}
	if cause == http.ErrAbortHandler {
		panic(cause) // net/http's own way to hang up
	}
	f.Log.ErrorContext(r.Context(), "a handler panicked", "panic", cause, "route", Of(r.Context()).Route, "stack", string(debug.Stack()))
	if rec.status != 0 {
		panic(http.ErrAbortHandler) // half an answer is out: break it off, so that nobody takes it for a whole one
	}
	x := Of(r.Context())
	f.headers(x.header, x) // the handler may have taken them for data's
	f.Problem.answer(rec, r, http.StatusInternalServerError)
}

// note writes the access log entry and the metrics. The path is left out on purpose:
// the route says enough, and links and queries may hold tokens.
func (f Front) note(v *visit, r *http.Request) {
	took, x, status := time.Since(v.began), &v.exchange, v.recorder.status
	if status == 0 {
		status = http.StatusOK
	}
	route := x.Route
	if route == "" {
		route = "none"
	}
	level := slog.LevelInfo
	switch {
	case x.quiet:
		level = slog.LevelDebug
	case status >= 500:
		level = slog.LevelWarn
	}
	f.Log.LogAttrs(r.Context(), level, "request",
		slog.String("method", method(r.Method)), slog.String("route", route), slog.Int("status", status),
		slog.Int64("bytes", v.recorder.bytes), slog.Duration("took", took), slog.String("request_id", x.ID))
	if f.Observe != nil {
		f.Observe(r.Context(), route, method(r.Method), status, took)
	}
}

// method keeps invented methods out of logs and metrics.
func method(m string) string {
	switch m {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return m
	}
	return "other"
}

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// Unwrap lets http.ResponseController reach the real writer.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// WriteHeader remembers the final status; 1xx answers are not final.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write counts.
func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}
