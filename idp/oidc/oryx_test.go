package oidc_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/ory/fosite"
	"github.com/ory/x/errorsx"
	"github.com/ory/x/otelx"
	"github.com/ory/x/randx"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// What fosite relies on in github.com/ory/x, which is our own code here (oryx). If a
// new fosite needs more, it does not compile; if it needs something else of these,
// this fails.

var (
	_ errorsx.DebugCarrier      = (*fosite.RFC6749Error)(nil)
	_ errorsx.ReasonCarrier     = (*fosite.RFC6749Error)(nil)
	_ errorsx.RequestIDCarrier  = (*fosite.RFC6749Error)(nil)
	_ errorsx.StatusCarrier     = (*fosite.RFC6749Error)(nil)
	_ errorsx.StatusCodeCarrier = (*fosite.RFC6749Error)(nil)
)

type caused struct{ inner error }

func (c caused) Error() string { return "caused" }
func (c caused) Cause() error  { return c.inner }

func TestErrorsKeepTheirIdentity(t *testing.T) {
	if errorsx.WithStack(nil) != nil || errorsx.Cause(nil) != nil {
		t.Error("nil became an error")
	}
	if err := errorsx.WithStack(fosite.ErrNotFound); !errors.Is(err, fosite.ErrNotFound) {
		t.Errorf("WithStack lost what the error was: %v", err)
	}
	root := errors.New("root")
	if got := errorsx.Cause(caused{caused{root}}); got != root {
		t.Errorf("Cause gives %v, want the root", got)
	}
	if got := errorsx.Cause(caused{nil}); got != (caused{nil}) {
		t.Errorf("Cause gives %v, want the error itself", got)
	}
}

// noted is a span that remembers.
type noted struct {
	noop.Span
	ended  bool
	status codes.Code
}

func (n *noted) End(...trace.SpanEndOption)          { n.ended = true }
func (n *noted) IsRecording() bool                   { return true }
func (n *noted) SetStatus(code codes.Code, _ string) { n.status = code }

func TestSpansEndWithTheErrorOfTheirFunction(t *testing.T) {
	run := func(err error, panics bool) (span *noted, caught any) {
		span = &noted{}
		defer func() { caught = recover() }()
		func() (err2 error) {
			defer otelx.End(span, &err2)
			if panics {
				panic("x")
			}
			return err
		}()
		return span, nil
	}
	if span, _ := run(nil, false); !span.ended || span.status != codes.Unset {
		t.Errorf("without an error: %+v", span)
	}
	if span, _ := run(fosite.ErrInvalidGrant.WithHint("x"), false); !span.ended || span.status != codes.Error {
		t.Errorf("with an error: %+v", span)
	}
	if span, caught := run(nil, true); !span.ended || span.status != codes.Error || caught != "x" {
		t.Errorf("with a panic: %+v, caught %v", span, caught)
	}
	otelx.End(noop.Span{}, nil)
}

func TestUserCodesComeFromTheAlphabet(t *testing.T) {
	code, err := randx.RuneSequence(1000, []rune("ABC"))
	if err != nil || len(code) != 1000 {
		t.Fatalf("%d letters, %v", len(code), err)
	}
	for _, letter := range "ABC" {
		if n := len(slices.DeleteFunc(slices.Clone(code), func(r rune) bool { return r != letter })); n < 200 || n > 500 {
			t.Errorf("%c %d times in 1000", letter, n)
		}
	}
	if len(randx.AlphaUpper) != 26 {
		t.Errorf("%d letters", len(randx.AlphaUpper))
	}
	if _, err := randx.RuneSequence(1, nil); err == nil {
		t.Error("drew from nothing")
	}
}
