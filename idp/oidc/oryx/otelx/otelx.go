// Package otelx closes fosite's spans.
package otelx

import (
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// End is deferred by a function with its named error: it ends the span and marks it
// when the function failed or panicked. A panic goes on. The text that lands in the
// trace is the error's own, never its debug words: those may quote what was sent.
func End(span trace.Span, err *error) {
	defer span.End()
	if p := recover(); p != nil {
		span.SetStatus(codes.Error, fmt.Sprintf("panic: %T", p))
		panic(p)
	}
	if err == nil || *err == nil || !span.IsRecording() {
		return
	}
	span.SetStatus(codes.Error, reason(*err))
}

func reason(err error) string {
	var told interface{ Reason() string }
	if errors.As(err, &told) && told.Reason() != "" {
		return err.Error() + ": " + told.Reason()
	}
	return err.Error()
}
