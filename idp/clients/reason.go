package clients

import (
	"strconv"
	"strings"
	"time"
)

// Reason is one of those below. A refusal carries it from where it is known to the diary, and
// may carry wire.General on the way, which is none.
type Reason string

// Why a request was refused, or what was odd about it. The pages and the command line
// have a sentence for each: "doctor.reason.NAME", see Told. What stands behind "details" is what
// the sentence shows.
const (
	ReasonNone            Reason = ""
	ReasonRedirectURI     Reason = "redirect_uri" // details: given, registered (the nearest)
	ReasonRedirectMissing Reason = "redirect_missing"
	ReasonRedirectChanged Reason = "redirect_changed" // at the token endpoint; details: given, registered (that of the code)
	ReasonScope           Reason = "scope"            // details: scopes; ignored ones
	ReasonClaims          Reason = "claims"           // details: claims; ignored ones
	ReasonScopeRefused    Reason = "scope_refused"    // details: given
	ReasonPKCEMissing     Reason = "pkce_missing"
	ReasonPKCEMethod      Reason = "pkce_method" // details: given
	ReasonPKCENoMethod    Reason = "pkce_no_method"
	ReasonPKCENoVerifier  Reason = "pkce_no_verifier"
	ReasonPKCENoChallenge Reason = "pkce_no_challenge" // of the code
	ReasonPKCEMismatch    Reason = "pkce_mismatch"     // the verifier is not the challenge's
	ReasonResponseType    Reason = "response_type"     // details: given
	ReasonGrantType       Reason = "grant_type"        // details: given
	ReasonUnregistered    Reason = "unregistered"      // for the grant type or response type
	ReasonDisabled        Reason = "disabled"          // the client is switched off
	ReasonTwice           Reason = "twice"             // details: parameter
	ReasonPushedMissing   Reason = "pushed_missing"
	ReasonPushedOver      Reason = "pushed_over"
	ReasonPushedUnknown   Reason = "pushed_unknown"
	ReasonDenied          Reason = "denied"
	ReasonLogin           Reason = "login_required"
	ReasonInteraction     Reason = "interaction_required"
	ReasonConsent         Reason = "consent_required"
	ReasonAuthMethod      Reason = "auth_method" // details: given, registered
	ReasonSecret          Reason = "secret"
	ReasonCertificate     Reason = "certificate"      // details: why
	ReasonClock           Reason = "clock"            // details: clock
	ReasonZone            Reason = "clock_zone"       // as if local time were UTC; details: clock
	ReasonMilliseconds    Reason = "milliseconds"     // where seconds belong
	ReasonAssertion       Reason = "assertion"        // details: why
	ReasonAudience        Reason = "audience"         // of an assertion; details: given, registered (whom it should name)
	ReasonAudienceSetting Reason = "audience_setting" // the same, and token_endpoint_auth_audience "endpoint" would take it
	ReasonBearerAudience  Reason = "bearer_audience"  // of an assertion about a person; details: given, registered
	ReasonBearerKey       Reason = "bearer_key"       // the same, not signed by its issuer; details: issuer, given (kid), registered (the kids there are)
	ReasonExchangeFrom    Reason = "exchange_from"    // a subject token of another client; details: given (that client), registered (whose it may)
	ReasonProof           Reason = "proof"            // DPoP; details: why
	ReasonProofMissing    Reason = "proof_missing"
	ReasonProofURL        Reason = "proof_url"    // details: given, registered (the endpoint)
	ReasonProofMethod     Reason = "proof_method" // details: given, registered
	ReasonProofNonce      Reason = "proof_nonce"
	ReasonProofReplayed   Reason = "proof_replayed"
	ReasonCodeUsed        Reason = "code_used"
	ReasonCodeExpired     Reason = "code_expired"   // details: age, lives; in seconds
	ReasonCodeElsewhere   Reason = "code_elsewhere" // another client's, or refresh token
	ReasonCodeUnknown     Reason = "code_unknown"   // it cannot be read, or nothing is left of it
	ReasonScopeGone       Reason = "scope_gone"     // at a refresh; details: given (granted), registered (what the client may have)
	ReasonTokenOver       Reason = "token_over"
	ReasonTokenScope      Reason = "token_scope" // without openid
	ReasonLogoutURI       Reason = "logout_uri"  // details: given, registered (the nearest)
	ReasonLogoutHint      Reason = "logout_hint" // not an ID token of ours for this client
	ReasonLogoutAsks      Reason = "logout_asks" // without a hint
	ReasonOurs            Reason = "ours"        // a fault on our side
	ReasonOther           Reason = "other"       // details: why
)

// DetailSigned is the detail that names the algorithm of a signed answer.
const DetailSigned = "signed"

// Request is one line of the diary. It names nobody and holds no secret.
type Request struct {
	ID, ClientID string
	At           time.Time
	Endpoint     string // authorize, token …
	Outcome      string // ok, or the error code of the protocol
	Reason       Reason

	// Details is what the reason needs, and "clock": how many seconds the client's clock
	// is ahead of ours, measured by its "clock_by": assertion or proof; and DetailSigned.
	Details map[string]string
}

// Compared gives two addresses of which one was sent and the other expected, "" when
// nothing is registered that could be; false when the reason is not about addresses.
func (r Request) Compared() (given, expected string, ok bool) {
	switch r.Reason {
	case ReasonRedirectURI, ReasonRedirectChanged, ReasonLogoutURI, ReasonProofURL, ReasonAudience, ReasonAudienceSetting, ReasonBearerAudience:
		return Printable(r.Details["given"]), r.Details["registered"], r.Details["given"] != ""
	}
	return "", "", false
}

// Sentence gives the key of the message that tells the reason, and the values in it; ""
// where there is none. Of a clock the key says on which side of ours it is and what measured
// it, since each bears something else, and the value how far.
func (r Request) Sentence() (key string, values map[string]any) {
	if r.Reason == ReasonNone {
		return "", nil
	}
	key, values = "doctor.reason."+string(r.Reason), map[string]any{}
	for name, value := range r.Details {
		values[name] = Printable(value)
	}
	if clock := r.Details["clock"]; clock != "" {
		values["clock"] = strings.TrimPrefix(clock, "-")
	}
	if r.Reason == ReasonClock {
		key += "_" + r.side() + r.measure()
	}
	return key, values
}

// side tells whether the client's clock is behind ours or ahead.
func (r Request) side() string {
	if strings.HasPrefix(r.Details["clock"], "-") {
		return "behind"
	}
	return "ahead"
}

// measure tells what measured a clock that is behind: an assertion is good until its exp,
// however old it is, and a DPoP proof for a time after its iat. Neither may come from the
// future.
func (r Request) measure() string {
	switch {
	case r.side() == "ahead":
		return ""
	case r.Details["clock_by"] == "proof":
		return "_proof"
	}
	return "_assertion"
}

// ClockVerdict gives the key of the message that judges the client's clock, and by how
// many seconds it is off: with a sign where the message does not say the side.
func (r Request) ClockVerdict() (key, seconds string) {
	if r.ClockIsGood() {
		return "doctor.clock.good", r.Clock()
	}
	return "doctor.clock." + r.side() + r.measure(), strings.TrimPrefix(r.Details["clock"], "-")
}

// Clock is how many seconds the client's clock is ahead, with a sign; "" when nothing
// measured it.
func (r Request) Clock() string {
	clock := r.Details["clock"]
	if clock != "" && clock[0] != '-' {
		clock = "+" + clock
	}
	return clock
}

// clockLeeway is how far a clock may be ahead before anything is refused, FAPI 2.0 §5.3.2.1,
// and how far behind an assertion may have expired. Proofs bear more, but each second that a
// clock is behind is one less for the request to arrive.
const clockLeeway = 10

// ClockIsGood tells whether the clock is near enough to ours for its proofs to be
// accepted whatever else they say.
func (r Request) ClockIsGood() bool {
	seconds, err := strconv.ParseInt(r.Details["clock"], 10, 64)
	return err == nil && -clockLeeway <= seconds && seconds <= clockLeeway
}
