package oidc

import (
	"errors"
	"math"
	"net/http"
	"time"

	"github.com/ory/fosite"

	"tegata/shared/fault"
)

// refusal is an error of the protocol: a registered code and a fixed sentence for the
// client's developer. What was sent never comes back in it; the cause is for the log.
type refusal struct {
	Code  string
	Why   string
	Cause error
}

func (r *refusal) Error() string {
	if r.Cause != nil {
		return r.Code + ": " + r.Why + ": " + r.Cause.Error()
	}
	return r.Code + ": " + r.Why
}

func (r *refusal) Unwrap() error { return r.Cause }

func refuse(code, why string) *refusal { return &refusal{Code: code, Why: why} }

// because adds the cause that only the log shows.
func (r *refusal) because(cause error) *refusal {
	return &refusal{Code: r.Code, Why: r.Why, Cause: cause}
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

// renamed are fosite's own codes that no specification registers.
var renamed = map[string]string{
	"invalid_state":             "invalid_request",
	"insufficient_entropy":      "invalid_request",
	"unsupported_response_mode": "invalid_request",
	"jti_known":                 "invalid_client",
	"request_unauthorized":      "invalid_client",
	"token_inactive":            "invalid_grant",
	"scope_not_granted":         "invalid_scope",
	"consent_required":          "interaction_required",
}

// refusalOf turns any error into what the client may know. Ours comes first, also
// when fosite wrapped it; what nobody expected is server_error.
func refusalOf(err error) *refusal {
	var own *refusal
	if errors.As(err, &own) {
		return own
	}
	code := "server_error"
	var theirs *fosite.RFC6749Error
	if kind := fault.KindOf(err); kind == fault.Busy || kind == fault.TooMany {
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
	return (&refusal{Code: code, Why: sentences[code]}).because(err)
}

// status is the HTTP status of the code at the token endpoint. RFC 6749 §5.2.
func (r *refusal) status() int {
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

// retryAfter is when to come back, in seconds. RFC 9110 §10.2.3.
func (r *refusal) retryAfter() string {
	wait := time.Second
	if f := fault.Of(r.Cause); f != nil && f.RetryAfter > wait {
		wait = f.RetryAfter
	}
	return decimal(int64(math.Ceil(wait.Seconds())))
}

// write answers at the token and revocation endpoints.
func (r *refusal) write(w http.ResponseWriter) {
	if r.Code == "invalid_client" {
		w.Header().Set("WWW-Authenticate", `Basic realm="client"`)
	}
	if r.Code == "temporarily_unavailable" {
		w.Header().Set("Retry-After", r.retryAfter())
	}
	writeJSON(w, r.status(), struct {
		Error       string `json:"error"`
		Description string `json:"error_description,omitempty"`
	}{r.Code, r.Why})
}
