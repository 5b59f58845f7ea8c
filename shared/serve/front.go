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
	Problem Problem                                                                         // 413 and 500, as pages or for programs
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
		rec.ResponseWriter, rec.visit, x.header = w, v, w.Header()
		f.meet(r, v)
		if r.ContentLength != 0 { // -1 when nobody said
			// Around the bare w, which lets net/http close a connection that goes on sending.
			r.Body = http.MaxBytesReader(w, r.Body, limit)
		}
		v.context.Context, v.context.visit, v.context.until = r.Context(), v, v.began.Add(cmp.Or(f.Within, DefaultDeadline))
		defer v.context.end()
		r = r.WithContext(&v.context)
		defer f.note(v, r)
		defer f.recover(v, r)
		f.headers(v)
		if r.ContentLength > limit {
			f.Problem.answer(rec, r, http.StatusRequestEntityTooLarge)
			return
		}
		next.ServeHTTP(rec, r)
		if rec.status == 0 { // net/http answers 200 for a handler that said nothing
			rec.WriteHeader(http.StatusOK)
		}
	})
}

// visit is what Front keeps of one request, in one piece of memory.
type visit struct {
	began    time.Time
	exchange Exchange
	origin   audit.Origin
	context  requestContext
	recorder recorder
	id       [1]string // the value of X-Request-Id
}

// meet finds out who calls.
func (f Front) meet(r *http.Request, v *visit) {
	x := &v.exchange
	f.Proxies.read(r, x)
	f.readClient(r, x)
	if x.ID == "" {
		x.ID = newRequestID()
	}
	v.id[0] = x.ID
	v.origin = audit.Origin{RequestID: x.ID, Place: x.Place, Agent: cut(r.UserAgent(), maxAgent)}
}

// recover turns a panic into the 500 page and one log entry with its stack.
func (f Front) recover(v *visit, r *http.Request) {
	cause := recover()
	if cause == nil {
		return
	}
	if cause == http.ErrAbortHandler {
		panic(cause) // net/http's own way to hang up
	}
	f.Log.ErrorContext(r.Context(), "a handler panicked", "panic", cause, "route", v.exchange.Route, "stack", string(debug.Stack()))
	if v.recorder.status != 0 {
		panic(http.ErrAbortHandler) // half an answer is out: break it off, so that nobody takes it for a whole one
	}
	startOver(v.exchange.header) // the handler may have taken them for data's
	v.exchange.document = false
	f.headers(v)
	f.Problem.answer(&v.recorder, r, http.StatusInternalServerError)
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
	ctx, verb := r.Context(), method(r.Method)
	if log := f.Log.Handler(); log.Enabled(ctx, level) {
		entry := slog.NewRecord(v.began.Add(took), level, "request", 0) // nobody asks for the line of code
		entry.AddAttrs(slog.String("method", verb), slog.String("route", route), slog.Int("status", status),
			slog.Int64("bytes", v.recorder.bytes), slog.Duration("took", took), slog.String("request_id", x.ID))
		log.Handle(ctx, entry)
	}
	if f.Observe != nil {
		f.Observe(ctx, route, verb, status, took)
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
	visit  *visit
	status int
	bytes  int64
}

// Unwrap lets http.ResponseController reach the real writer.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// WriteHeader remembers the final status; 1xx answers are not final.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 {
		r.begin(status)
	}
	r.ResponseWriter.WriteHeader(status)
}

// begin is the last moment for a header.
func (r *recorder) begin(status int) {
	r.status = status
	h := r.Header()
	complete(h)
	if !r.visit.exchange.document {
		h[requestIDHeader] = r.visit.id[:]
	}
}

// Write counts.
func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.begin(http.StatusOK)
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// FlushError is for http.ResponseController, whose flush begins an answer too.
func (r *recorder) FlushError() error {
	if r.status == 0 {
		r.begin(http.StatusOK)
	}
	return http.NewResponseController(r.ResponseWriter).Flush()
}
