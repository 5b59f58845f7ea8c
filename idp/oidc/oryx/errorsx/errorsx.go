// Package errorsx has the error names that fosite uses.
//
//	WithStack     fosite wraps each refusal in it; here it gives the error back as it is
//	Cause         the innermost error of a chain that says Cause()
//	…Carrier      what an error may tell besides its text
//
// A stack trace per refusal is what made fosite's control flow dear: every handler that is not
// responsible answers with one.
package errorsx

// WithStack gives err back. Where it happened is told by the request id in our log.
func WithStack(err error) error { return err }

// Cause follows Cause() as far as it leads; nil stays nil.
func Cause(err error) error {
	for {
		c, ok := err.(interface{ Cause() error })
		if !ok {
			return err
		}
		inner := c.Cause()
		if inner == nil {
			return err
		}
		err = inner
	}
}

// StatusCodeCarrier is an error with an HTTP status.
type StatusCodeCarrier interface{ StatusCode() int }

// StatusCarrier is an error with the words of a status.
type StatusCarrier interface{ Status() string }

// RequestIDCarrier is an error that knows its request.
type RequestIDCarrier interface{ RequestID() string }

// ReasonCarrier is an error with a reason for the client.
type ReasonCarrier interface{ Reason() string }

// DebugCarrier is an error with words for the operator.
type DebugCarrier interface{ Debug() string }

// DetailsCarrier is an error with named details.
type DetailsCarrier interface{ Details() map[string]any }
