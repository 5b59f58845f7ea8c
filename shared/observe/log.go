package observe

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"tegata/shared/serve"
)

// NewLogger writes to w from level (debug, info, warn, error) upwards, as json or text.
// It adds the request id of the context and hides attributes that look like secrets.
// When w is a Buffer, warnings and errors do not wait in it.
func NewLogger(w io.Writer, level, format string) (*slog.Logger, error) {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log level %q: want debug, info, warn or error", level)
	}
	options := &slog.HandlerOptions{Level: least}
	waits, _ := w.(*Buffer)
	switch format {
	case "json":
		return slog.New(&handler{slog.NewJSONHandler(w, options), waits}), nil
	case "text":
		return slog.New(&handler{slog.NewTextHandler(w, options), waits}), nil
	}
	return nil, fmt.Errorf("log format %q: want json or text", format)
}

// handler adds the request id to each record and makes its attributes fit to be seen.
// slog's ReplaceAttr could do that too: it is asked about the time, the level and the
// message as well, which makes a line cost half as much again.
type handler struct {
	slog.Handler
	waits *Buffer // nil: lines are written at once
}

func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	seen := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	named := false
	r.Attrs(func(a slog.Attr) bool {
		named = named || a.Key == requestID
		seen.AddAttrs(redact(a))
		return true
	})
	if !named {
		if id := serve.RequestID(ctx); id != "" {
			seen.AddAttrs(slog.String(requestID, id))
		}
	}
	err := h.Handler.Handle(ctx, seen)
	if h.waits != nil && r.Level > slog.LevelInfo {
		h.waits.Flush()
	}
	return err
}

const requestID = "request_id"

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.Handler.WithAttrs(redactAll(attrs)), h.waits}
}

func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{h.Handler.WithGroup(name), h.waits}
}

// hidden are parts of attribute names whose values never reach the log; hiddenWhole
// are names that are harmless as a part of others (error_code, monkey).
var (
	hidden      = []string{"password", "passwd", "secret", "token", "cookie", "authorization", "assertion", "verifier", "credential"}
	hiddenWhole = map[string]bool{"code": true, "key": true, "otp": true, "pin": true, "seed": true, "state": true, "nonce": true, "query": true, "dpop": true}
)

// redact is the last net under code that logs too much, not a licence for it. Durations
// become text.
func redact(a slog.Attr) slog.Attr {
	a.Value = a.Value.Resolve()
	switch {
	case a.Value.Kind() == slog.KindGroup:
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(redactAll(a.Value.Group())...)}
	case a.Value.Kind() == slog.KindDuration:
		return slog.String(a.Key, a.Value.Duration().String())
	case secretName(a.Key):
		return slog.String(a.Key, "(hidden)")
	}
	return a
}

func redactAll(attrs []slog.Attr) []slog.Attr {
	seen := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		seen[i] = redact(a)
	}
	return seen
}

// judged remembers which names look secret: they are few, since they stand in code.
var judged known[string, bool]

func secretName(key string) bool { return judged.of(key, looksSecret) }

func looksSecret(key string) bool {
	key = strings.ToLower(key)
	if hiddenWhole[key] {
		return true
	}
	for _, part := range hidden {
		if strings.Contains(key, part) {
			return true
		}
	}
	return false
}
