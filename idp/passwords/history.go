package passwords

import (
	"context"
	"time"

	"tegata/shared/fault"
)

const (
	// Kept is how many passwords of an account cannot be chosen again, the current
	// one included (S-079).
	Kept = 8
	// CooldownFor is the time between two changes that a person makes (S-081). It
	// does not bind a reset: recovery must always be possible.
	CooldownFor = time.Hour
)

// Reused refuses a password that is one of the account's last eight. Each comparison
// waits for a slot of its own, so that one person's change is no flood.
func (h *Hasher) Reused(ctx context.Context, field, accountID string, past []Record, password string) error {
	for i, r := range past {
		if i == Kept {
			break
		}
		same, _, err := h.Verify(ctx, accountID, r.Sealed, password)
		if err != nil {
			return err
		}
		if same {
			return fault.New(fault.Invalid, field, "password.rule.history").With("count", Kept)
		}
	}
	return nil
}

// Cooldown refuses a change that comes less than an hour after the last one, and
// tells when it is allowed (args "at").
func Cooldown(changedAt, now time.Time) error {
	at := changedAt.Add(CooldownFor)
	if !now.Before(at) {
		return nil
	}
	f := fault.New(fault.Denied, "", "password.rule.cooldown").With("at", at)
	f.RetryAfter = at.Sub(now)
	return f
}
