package clients_test

import (
	"testing"

	"tegata/idp/clients"
)

// The doctor says on which side of ours a clock is, and how far, instead of a sign that
// the reader has to interpret.
func TestAClockIsBehindOrAhead(t *testing.T) {
	for _, c := range []struct {
		reason                clients.Reason
		clock, by             string
		key, seconds, verdict string
		off                   string
	}{
		{clients.ReasonClock, "-754", "proof", "doctor.reason.clock_behind_proof", "754", "doctor.clock.behind_proof", "754"},
		{clients.ReasonClock, "-20", "assertion", "doctor.reason.clock_behind_assertion", "20", "doctor.clock.behind_assertion", "20"},
		{clients.ReasonClock, "92", "proof", "doctor.reason.clock_ahead", "92", "doctor.clock.ahead", "92"},
		{clients.ReasonClock, "92", "assertion", "doctor.reason.clock_ahead", "92", "doctor.clock.ahead", "92"},
		{clients.ReasonZone, "-32400", "proof", "doctor.reason.clock_zone", "32400", "doctor.clock.behind_proof", "32400"},
		{clients.ReasonProofNonce, "1", "proof", "doctor.reason.proof_nonce", "1", "doctor.clock.good", "+1"},
	} {
		r := clients.Request{Reason: c.reason, Details: map[string]string{"clock": c.clock, "clock_by": c.by}}
		if key, values := r.Sentence(); key != c.key || values["clock"] != c.seconds {
			t.Errorf("%s of %s s: %s %v, want %s %s", c.reason, c.clock, key, values["clock"], c.key, c.seconds)
		}
		if verdict, off := r.ClockVerdict(); verdict != c.verdict || off != c.off {
			t.Errorf("%s s: %s %s, want %s %s", c.clock, verdict, off, c.verdict, c.off)
		}
	}
	if key, _ := (clients.Request{}).Sentence(); key != "" {
		t.Errorf("without a reason: %s", key)
	}
}
