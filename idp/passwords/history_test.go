package passwords_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tegata/idp/passwords"
	"tegata/idp/schema"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/fault"
)

// account writes a bare account row for passwords to belong to.
func account(t *testing.T, d *db.DB, id string) {
	t.Helper()
	_, err := d.Exec(t.Context(), `
		insert into accounts (id, subject, email, given_name, family_name, nickname, country, language, zone, state,
			activation_id, created_at, updated_at)
		values ($1, $1, $1, '', '', '', '', '', '', 'active', '', 0, 0)`, id)
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheLastEightPasswordsCannotBeChosenAgain(t *testing.T) { // S-079, A-142
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		h, store := hasher(t), passwords.Store{DB: d}
		account(t, d, "a1")
		now := clock.Hold(time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC))
		for i := 1; i <= 9; i++ {
			r := passwords.Record{AccountID: "a1", Number: i, ChangedAt: now.Now(), Sealed: mustHash(t, h, "a1", fmt.Sprintf("Kumo%d!yukigawa", i))}
			if err := store.Add(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			if err := store.Forget(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			now.Move(passwords.CooldownFor)
		}
		past, err := store.Last(t.Context(), "a1", 100)
		if err != nil || len(past) != passwords.Kept || past[0].Number != 9 {
			t.Fatalf("%d passwords kept (%v), want 8, the newest first", len(past), err)
		}
		for i := 1; i <= 9; i++ {
			err := h.Reused(t.Context(), "password", "a1", past, fmt.Sprintf("Kumo%d!yukigawa", i))
			if want := i > 1; fault.Is(err, fault.Invalid) != want {
				t.Errorf("password %d: %v, want refused: %v", i, err, want)
			}
		}
	})
}

func TestTwoChangesAtOnceCollide(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		h, store := hasher(t), passwords.Store{DB: d}
		account(t, d, "a1")
		sealed := mustHash(t, h, "a1", "Kumo7!yukigawa")
		var won atomic.Int32
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				err := store.Add(t.Context(), passwords.Record{AccountID: "a1", Number: 1, Sealed: sealed, ChangedAt: time.Now()})
				if err == nil {
					won.Add(1)
				} else if !fault.Is(err, fault.Conflict) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Errorf("%d changes won, want 1", won.Load())
		}
	})
}

func TestAPasswordStaysForAnHour(t *testing.T) { // S-081
	now := clock.Hold(time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC))
	changed := now.Now()
	now.Move(59 * time.Minute)
	err := passwords.Cooldown(changed, now.Now())
	if f := fault.Of(err); f == nil || f.Kind != fault.Denied || f.RetryAfter != time.Minute || f.Args["at"] != changed.Add(time.Hour) {
		t.Errorf("after 59 minutes: %v, want denied until the hour", err)
	}
	now.Move(time.Minute)
	if err := passwords.Cooldown(changed, now.Now()); err != nil {
		t.Errorf("after 60 minutes: %v", err)
	}
}
