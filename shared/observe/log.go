package observe

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

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
	options := &slog.HandlerOptions{Level: least, ReplaceAttr: redact}
	waits, _ := w.(*Buffer)
	switch format {
	case "json":
		return slog.New(&handler{slog.NewJSONHandler(w, options), waits}), nil
	case "text":
		return slog.New(&handler{slog.NewTextHandler(w, options), waits}), nil
	}
	return nil, fmt.Errorf("log format %q: want json or text", format)
}

// handler adds the request id to each record.
type handler struct {
	slog.Handler
	waits *Buffer // nil: lines are written at once
}

func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	if id := serve.RequestID(ctx); id != "" && !has(r, "request_id") {
		r = r.Clone()
		r.AddAttrs(slog.String("request_id", id))
	}
	err := h.Handler.Handle(ctx, r)
	if h.waits != nil && r.Level > slog.LevelInfo {
		h.waits.Flush()
	}
	return err
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.Handler.WithAttrs(attrs), h.waits}
}

func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{h.Handler.WithGroup(name), h.waits}
}

func has(r slog.Record, key string) (found bool) {
	r.Attrs(func(a slog.Attr) bool {
		found = a.Key == key
		return !found
	})
	return found
}

// hidden are parts of attribute names whose values never reach the log; hiddenWhole
// are names that are harmless as a part of others (error_code, monkey).
var (
	hidden      = []string{"password", "passwd", "secret", "token", "cookie", "authorization", "assertion", "verifier", "credential"}
	hiddenWhole = map[string]bool{"code": true, "key": true, "otp": true, "pin": true, "seed": true, "state": true, "nonce": true, "query": true, "dpop": true}
)

// redact is the last net under code that logs too much, not a licence for it.
func redact(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		return slog.String(a.Key, a.Value.Duration().String())
	}
	if secretName(a.Key) {
		return slog.String(a.Key, "(hidden)")
	}
	return a
}

// judged remembers which names look secret: they are few, since they stand in code.
var judged sync.Map // name → bool

func secretName(key string) bool {
	if known, ok := judged.Load(key); ok {
		return known.(bool)
	}
	secret := looksSecret(key)
	judged.Store(key, secret)
	return secret
}

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
