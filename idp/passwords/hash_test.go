package passwords_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tegata/idp/passwords"
	"tegata/shared/fault"
	"tegata/shared/secret"
)

func hasher(t testing.TB) *passwords.Hasher {
	t.Helper()
	seal, err := secret.NewSealer(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	return &passwords.Hasher{Seal: seal, Params: passwords.Params{Memory: 64, Time: 1, Threads: 1}}
}

func mustHash(t testing.TB, h *passwords.Hasher, account, password string) passwords.Sealed {
	t.Helper()
	sealed, err := h.Hash(t.Context(), account, password)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestOnlyTheSamePasswordVerifies(t *testing.T) {
	h := hasher(t)
	long := strings.Repeat("🦊", 59)
	for _, c := range []struct {
		name, kept, typed string
		want              bool
	}{
		{"the same", "Kumo7!yukigawa", "Kumo7!yukigawa", true},
		{"another", "Kumo7!yukigawa", "Kumo7!yukigawb", false},
		{"a trailing space", "Kumo7!yukigawa", "Kumo7!yukigawa ", false},
		{"another case", "Kumo7!yukigawa", "kumo7!yukigawa", false},
		{"composed and decomposed", "Kumo7!caf\u00e9", "Kumo7!cafe\u0301", true},
		{"only the last of 60 differs", long + "a", long + "b", false},
		{"NUL", "Kumo7!yukigawa", "Kumo7!yukigawa\x00", false},
		{"nothing", "Kumo7!yukigawa", "", false},
		{"far too much", "Kumo7!yukigawa", strings.Repeat("a", 1<<20), false},
	} {
		before := h.Computed()
		sealed := mustHash(t, h, "a1", c.kept)
		ok, stale, err := h.Verify(t.Context(), "a1", sealed, c.typed)
		if err != nil || ok != c.want || stale {
			t.Errorf("%s: %v %v %v, want %v", c.name, ok, stale, err, c.want)
		}
		if n := h.Computed() - before; n != 2 {
			t.Errorf("%s: %d hashes, want 2", c.name, n)
		}
	}
}

func TestAStolenTableSaysNothing(t *testing.T) {
	h := hasher(t)
	sealed := mustHash(t, h, "a1", "Kumo7!yukigawa")
	if strings.Contains(string(sealed.Box), "argon2id") || sealed.By != h.Seal.ID() {
		t.Errorf("sealed %q by %q, want it encrypted and its key named", sealed.Box, sealed.By)
	}
	if _, _, err := h.Verify(t.Context(), "a2", sealed, "Kumo7!yukigawa"); !errors.Is(err, secret.ErrSeal) {
		t.Errorf("hash moved to another account: %v, want ErrSeal", err)
	}
}

func TestHashIsStaleWhenTheParametersChanged(t *testing.T) {
	h := hasher(t)
	sealed := mustHash(t, h, "a1", "Kumo7!yukigawa")
	h.Params.Time = 2
	if ok, stale, err := h.Verify(t.Context(), "a1", sealed, "Kumo7!yukigawa"); !ok || !stale || err != nil {
		t.Errorf("%v %v %v, want right and stale", ok, stale, err)
	}
	if ok, stale, err := h.Verify(t.Context(), "a1", sealed, "x"); ok || stale || err != nil {
		t.Errorf("%v %v %v, want wrong and not stale", ok, stale, err)
	}
}

func TestWhoWaitsTooLongForAHashIsToldToComeBack(t *testing.T) {
	h := hasher(t)
	h.Params, h.Parallel, h.Wait = passwords.Params{Memory: 8 << 10, Time: 20, Threads: 1}, 1, time.Millisecond
	var busy atomic.Int32
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			err := h.Pretend(t.Context(), "x")
			if fault.Is(err, fault.Busy) && fault.Of(err).RetryAfter > 0 {
				busy.Add(1)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if busy.Load() == 0 || busy.Load() == 10 {
		t.Errorf("%d of 10 were turned away, want some and not all", busy.Load())
	}
	h.Wait = time.Minute
	if err := h.Pretend(t.Context(), "x"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Pretend(gone, "x"); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("who has gone: %v", err)
	}
}

func BenchmarkHash(b *testing.B) {
	h := hasher(b)
	h.Params = passwords.DefaultParams
	for b.Loop() {
		if err := h.Pretend(b.Context(), "Kumo7!yukigawa"); err != nil {
			b.Fatal(err)
		}
	}
}

func TestEachHashIsToldOfWhileItHasASlotAndWhoIsTurnedAwayIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, goOn := hasher(t), make(chan bool)
		h.Parallel = 2
		var began, ended atomic.Int64
		h.Begins = func() func() {
			computed := h.Computed()
			began.Add(1)
			<-goOn
			return func() {
				if h.Computed() == computed {
					t.Error("told of the end before the hash was computed")
				}
				ended.Add(1)
			}
		}
		for range 3 {
			go func() {
				if err := h.Pretend(t.Context(), "x"); err != nil && !fault.Is(err, fault.Busy) {
					t.Error(err)
				}
			}()
		}
		synctest.Wait()
		if b, e := began.Load(), ended.Load(); b != 2 || e != 0 {
			t.Errorf("three are asked for: %d began and %d ended, want 2 and 0", b, e)
		}
		time.Sleep(h.Wait) // the third is turned away
		close(goOn)
		synctest.Wait()
		if b, e := began.Load(), ended.Load(); b != 2 || e != 2 || h.Computed() != 2 {
			t.Errorf("afterwards: %d began, %d ended, %d were computed, want 2 each", b, e, h.Computed())
		}
	})
}
