package wire

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/ory/fosite"

	"tegata/idp/clients"
	"tegata/shared/fault"
)

// Refusal is an error of the protocol: a registered code and a fixed sentence for the
// client's developer. What was sent never comes back in it; the cause is for the log.
type Refusal struct {
	Code   string         // error
	Why    string         // error_description
	Reason clients.Reason // for the client's diary; "" where Why is all there is to tell
	Cause  error          // never leaves the house; nil where there is none
}

// General stands for the reason of a refusal of which only the code is known, until one of
// clients.Reason… is found by that: no diary has it.
const General clients.Reason = "general"

// Error is for the log: it tells the cause.
func (r *Refusal) Error() string {
	if r.Cause != nil {
		return r.Code + ": " + r.Why + ": " + r.Cause.Error()
	}
	return r.Code + ": " + r.Why
}

// Unwrap gives the cause.
func (r *Refusal) Unwrap() error { return r.Cause }

// Refuse refuses with a code that sentences has, or that a specification of one endpoint
// registers, and a sentence that says more than the code.
func Refuse(code, why string) *Refusal { return &Refusal{Code: code, Why: why} }

// RefuseAs refuses with a code and its own sentence.
func RefuseAs(code string) *Refusal { return Refuse(code, Sentence(code)).For(General) }

// Because adds the cause that only the log shows.
func (r *Refusal) Because(cause error) *Refusal {
	return &Refusal{Code: r.Code, Why: r.Why, Reason: r.Reason, Cause: cause}
}

// For adds what the sign-in doctor makes of it.
func (r *Refusal) For(reason clients.Reason) *Refusal {
	return &Refusal{Code: r.Code, Why: r.Why, Reason: reason, Cause: r.Cause}
}

// sentences are the codes that may leave the house, with what they say when nothing
// more exact is known: RFC 6749 §4.1.2.1 and §5.2, OIDC Core §3.1.2.6, RFC 6750 §3.1.
var sentences = map[string]string{
	"invalid_request":                   "The request is missing a parameter, has one twice, or has one that is malformed.",
	"invalid_client":                    "The client could not be authenticated.",
	"invalid_grant":                     "The code or refresh token is unknown, expired or used, or was given for something else.",
	"unauthorized_client":               "The client is not registered for this.",
	"unsupported_grant_type":            "This grant type does not exist here.",
	"unsupported_response_type":         "This response type does not exist here, or not for this client.",
	"invalid_scope":                     "A scope is unknown or more than was granted.",
	"invalid_target":                    "A resource is unknown or more than was granted.",
	"invalid_authorization_details":     "The authorization_details are not what they have to be.",
	"authorization_pending":             "The person has not decided yet.",
	"slow_down":                         "This was too early: wait five seconds longer between two questions.",
	"expired_token":                     "The device code has expired: start again.",
	"access_denied":                     "The person did not allow it.",
	"login_required":                    "The person has to log in.",
	"interaction_required":              "The person has to be asked something.",
	"consent_required":                  "The person has to allow it first.",
	"unmet_authentication_requirements": "No log-in here reaches what was asked for.",
	"request_not_supported":             "The client has no keys to check request objects with.",
	"request_uri_not_supported":         "The client has registered no address of request objects.",
	"registration_not_supported":        "Registration within a request does not exist here.",
	"invalid_request_uri":               "The request_uri is unknown, expired or used, or leads nowhere.",
	"invalid_request_object":            "The request object could not be read.",
	"invalid_redirect_uri":              "A redirect URI is missing or is not accepted.",
	"invalid_client_metadata":           "The registration has a value that is not accepted.",
	"server_error":                      "Something went wrong on our side.",
	"temporarily_unavailable":           "There is too much to do at the moment, try again.",
	"invalid_dpop_proof":                "The DPoP proof could not be read, or is not signed with the key in it.",
	"use_dpop_nonce":                    "The DPoP proof has to carry the nonce that comes with this answer.",
}

// Sentence is what the code says by itself, "" for one that no specification has.
func Sentence(code string) string { return sentences[code] }

// renamed are fosite's own codes that no specification registers.
var renamed = map[string]string{
	"invalid_state":             "invalid_request",
	"insufficient_entropy":      "invalid_request",
	"unsupported_response_mode": "invalid_request",
	"jti_known":                 "invalid_client",
	"request_unauthorized":      "invalid_client",
	"token_inactive":            "invalid_grant",
	"scope_not_granted":         "invalid_scope",
}

// RefusalOf turns any error into what the client may know. Ours comes first, also
// when fosite wrapped it; what nobody expected is server_error. A request whose time ran
// out met too much to do, as page.StatusOf says on pages: a client may come again.
func RefusalOf(err error) *Refusal {
	var own *Refusal
	if errors.As(err, &own) {
		return own
	}
	code := "server_error"
	var theirs *fosite.RFC6749Error
	kind, late := fault.KindOf(err), fault.Of(err) == nil && errors.Is(err, context.DeadlineExceeded)
	if late || kind == fault.Busy || kind == fault.TooMany {
		code = "temporarily_unavailable"
	} else if errors.As(err, &theirs) {
		code = theirs.ErrorField
	}
	if other, ok := renamed[code]; ok {
		code = other
	}
	if sentences[code] == "" {
		code = "server_error"
	}
	return RefuseAs(code).Because(err)
}

// Unread refuses a body that could not be read, because it is too long or otherwise, with
// the code by which its endpoint calls a request malformed.
func Unread(code string, cause error) *Refusal {
	if tooLong(cause) {
		return Refuse(code, "The body is too long.").Because(cause)
	}
	return Refuse(code, "The body could not be read.").Because(cause)
}

// tooLong tells whether a reader gave up since there was more than it may take.
func tooLong(err error) bool {
	var more *http.MaxBytesError
	return errors.As(err, &more)
}

// Status is the HTTP status of the code at the token endpoint (RFC 6749 §5.2), and 413 for
// a body that is too long (RFC 9126 §2.3, RFC 9110 §15.5.14).
func (r *Refusal) Status() int {
	if tooLong(r.Cause) {
		return http.StatusRequestEntityTooLarge
	}
	switch r.Code {
	case "invalid_client":
		return http.StatusUnauthorized
	case "server_error":
		return http.StatusInternalServerError
	case "temporarily_unavailable":
		if fault.Is(r.Cause, fault.TooMany) {
			return http.StatusTooManyRequests
		}
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}

// RetryAfter is when to come back, in seconds. RFC 9110 §10.2.3.
func (r *Refusal) RetryAfter() string {
	wait := time.Second
	if f := fault.Of(r.Cause); f != nil && f.RetryAfter > wait {
		wait = f.RetryAfter
	}
	return strconv.FormatInt(int64(math.Ceil(wait.Seconds())), 10)
}

// Answer answers with the refusal where clients prove themselves, as the token endpoint
// does. RFC 6749 §5.2.
func (r *Refusal) Answer(w http.ResponseWriter) { r.AnswerAs(w, r.Status()) }

// AnswerAs is Answer with a status that somebody else found.
func (r *Refusal) AnswerAs(w http.ResponseWriter, status int) {
	if r.Code == "invalid_client" {
		w.Header().Set("WWW-Authenticate", `Basic realm="client"`)
	}
	if r.Code == "temporarily_unavailable" {
		w.Header().Set("Retry-After", r.RetryAfter())
	}
	WriteJSON(w, status, struct {
		Error       string `json:"error"`
		Description string `json:"error_description,omitempty"`
	}{r.Code, r.Why})
}

// Unprintable tells whether the character may not stand in an error, its description or a
// state. RFC 6749 Appendix A: VSCHAR and NQSCHAR are printable ASCII.
func Unprintable(r rune) bool { return r < 0x20 || r > 0x7e }
