package passwords

import (
	"context"
	"crypto/subtle"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"tegata/shared/fault"
	"tegata/shared/secret"
)

// sealPurpose binds the encrypted hashes to this use; the row is the account.
const sealPurpose = "password"

// SealedColumn is where the encrypted hashes lie.
var SealedColumn = secret.Column{
	Name: "password hashes", Table: "passwords", Row: "account_id", Box: "sealed", By: "sealed_by", Purpose: sealPurpose,
}

// Params says how expensive a hash is.
type Params struct {
	Memory  uint32 // KiB
	Time    uint32 // passes
	Threads uint8
}

// DefaultParams are the first choice of the OWASP Password Storage Cheat Sheet.
var DefaultParams = Params{Memory: 19 << 10, Time: 2, Threads: 1}

// DefaultWait lets 256 people in who log in at the same moment where two cores, beside
// other work, hash 26 passwords a second; and it is well within serve.DefaultDeadline.
const DefaultWait = 12 * time.Second

// Hasher computes hashes, at most Parallel at a time: each needs Params.Memory and a
// core, and a flood of log-ins must not take those from the other pages.
// Whoever waits longer than Wait gets fault.Busy.
type Hasher struct {
	Seal     *secret.Sealer
	Params   Params
	Parallel int           // 0: 2
	Wait     time.Duration // 0: DefaultWait

	// Begins hears of each hash right before it is computed, and what it gives right
	// after: at most Parallel are between the two. The hash waits for both. nil: nobody
	// wants to know. Set it before the first hash.
	Begins func() (ends func())

	once     sync.Once
	slots    chan struct{}
	computed atomic.Int64
}

// Hash gives the password of the account as the store keeps it. The password must
// have passed Problem.
func (h *Hasher) Hash(ctx context.Context, accountID, password string) (Sealed, error) {
	text, ok := normal(password)
	if !ok {
		return Sealed{}, fault.New(fault.Invalid, "password", "password.characters")
	}
	p := phc{Params: h.Params, salt: secret.Bytes(saltBytes)}
	sum, err := h.compute(ctx, p, text)
	if err != nil {
		return Sealed{}, err
	}
	p.sum = sum
	box, err := h.Seal.Seal(sealPurpose, accountID, []byte(p.String()))
	return Sealed{Box: box, By: secret.SealedBy(box)}, err
}

// Verify tells whether the password is the one that was sealed for the account, and
// whether its hash is stale: made with other parameters than today's, so that the
// caller should hash it anew. A password that cannot be one is wrong after the same time.
func (h *Hasher) Verify(ctx context.Context, accountID string, s Sealed, password string) (ok, stale bool, err error) {
	plain, err := h.Seal.Open(sealPurpose, accountID, s.Box)
	if err != nil {
		return false, false, err
	}
	p, err := parsePHC(string(plain))
	if err != nil {
		return false, false, err
	}
	text, readable := normal(password)
	sum, err := h.compute(ctx, p, text)
	if err != nil {
		return false, false, err
	}
	ok = subtle.ConstantTimeCompare(sum, p.sum) == 1 && readable
	return ok, ok && p.Params != h.Params, nil
}

// Pretend takes as long as Verify does and finds nothing: for an account that is not
// there (house rule "sameness").
func (h *Hasher) Pretend(ctx context.Context, password string) error {
	text, _ := normal(password)
	_, err := h.compute(ctx, phc{Params: h.Params, salt: make([]byte, saltBytes)}, text)
	return err
}

// Computed counts the hashes so far; tests prove sameness with it.
func (h *Hasher) Computed() int64 { return h.computed.Load() }

func (h *Hasher) compute(ctx context.Context, p phc, text string) ([]byte, error) {
	if err := h.enter(ctx); err != nil {
		return nil, err
	}
	defer func() { <-h.slots }()
	if h.Begins != nil {
		defer h.Begins()()
	}
	h.computed.Add(1)
	return argon2.IDKey([]byte(text), p.salt, p.Time, p.Memory, p.Threads, sumBytes), nil
}

// enter waits for a free slot.
func (h *Hasher) enter(ctx context.Context) error {
	h.once.Do(func() {
		if h.Parallel < 1 {
			h.Parallel = 2
		}
		if h.Wait == 0 {
			h.Wait = DefaultWait
		}
		h.slots = make(chan struct{}, h.Parallel)
	})
	select {
	case h.slots <- struct{}{}:
		return nil
	default:
	}
	patience := time.NewTimer(h.Wait)
	defer patience.Stop()
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-patience.C:
		busy := fault.New(fault.Busy, "", "refused.busy")
		busy.RetryAfter = 2 * h.Wait
		return busy
	}
}
