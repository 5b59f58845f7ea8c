// Package fault holds the six ways in which we refuse. A fault has a kind for
// code, a message key and a field for the person, and a cause for the operator;
// the three never mix. Any other error is "internal" and says no more than that.
//
//	New      a refusal with its message key
//	Wrap     the same with the cause that the log shall show
//	Fields   several refusals of one form at once
//	Is, Of   what an error is, however deeply wrapped
package fault

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind says how a request was refused; the edge turns it into a status.
type Kind int

// The kinds. Internal is every error that is no fault.
const (
	Internal Kind = iota
	Invalid       // what was sent cannot be right: show the form again
	Denied        // right, but not for this person or client
	NotFound      // there is no such thing, or not any more
	Conflict      // it exists already, or somebody else was faster
	Expired       // it was right once
	TooMany       // too often; RetryAfter says when to come back
	Busy          // we cannot serve it now; RetryAfter says when to come back
)

var names = [...]string{"internal", "invalid", "denied", "not_found", "conflict", "expired", "too_many", "busy"}

func (k Kind) String() string { return names[k] }

// Error is one refusal.
type Error struct {
	Kind       Kind
	Field      string         // the form field or configuration key it is about, "" for all of it
	Key        string         // message key, "password.too_short"; the sentence is in the catalogs
	Args       map[string]any // values for the sentence; never a secret
	RetryAfter time.Duration  // with TooMany and Busy
	cause      error
}

// New gives a refusal of kind about field ("" for the whole) with the message key.
func New(kind Kind, field, key string) *Error { return &Error{Kind: kind, Field: field, Key: key} }

// Wrap gives a refusal of kind whose cause only the log shows.
func Wrap(kind Kind, key string, cause error) *Error {
	return &Error{Kind: kind, Key: key, cause: cause}
}

// With adds a value for the sentence.
func (e *Error) With(name string, value any) *Error {
	if e.Args == nil {
		e.Args = map[string]any{}
	}
	e.Args[name] = value
	return e
}

// Later gives a TooMany refusal that ends after d.
func Later(key string, d time.Duration) *Error {
	return &Error{Kind: TooMany, Key: key, RetryAfter: d}
}

// Error tells kind, field, key and cause: a sentence for the log, not for people.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Kind.String())
	for _, s := range []string{e.Field, e.Key} {
		if s != "" {
			b.WriteString(" " + s)
		}
	}
	if e.cause != nil {
		fmt.Fprintf(&b, ": %v", e.cause)
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.cause }

// Fields is several refusals of one form, in the order of the fields.
type Fields []*Error

// Error tells all of them.
func (f Fields) Error() string {
	all := make([]string, len(f))
	for i, e := range f {
		all[i] = e.Error()
	}
	return strings.Join(all, "; ")
}

// Unwrap gives each of them to errors.Is and errors.As.
func (f Fields) Unwrap() []error {
	all := make([]error, len(f))
	for i, e := range f {
		all[i] = e
	}
	return all
}

// Err gives f as an error, or nil when nothing was refused.
func (f Fields) Err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

// Add appends the faults that err holds; anything else is dropped only if nil.
func (f *Fields) Add(err error) {
	if err == nil {
		return
	}
	*f = append(*f, All(err)...)
}

// All gives every fault inside err, the outermost ones only; an error that holds
// none becomes one Internal fault with that cause.
func All(err error) []*Error {
	var many Fields
	if errors.As(err, &many) {
		return many
	}
	var one *Error
	if errors.As(err, &one) {
		return []*Error{one}
	}
	return []*Error{{Kind: Internal, Key: "internal", cause: err}}
}

// Of gives the first fault inside err, or nil.
func Of(err error) *Error {
	var one *Error
	errors.As(err, &one)
	return one
}

// KindOf gives the kind of err; Internal when it holds no fault.
func KindOf(err error) Kind {
	if e := Of(err); e != nil {
		return e.Kind
	}
	return Internal
}

// Is tells whether err holds a fault of kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }
