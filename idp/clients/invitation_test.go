package clients_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"tegata/idp/clients"
	"tegata/idp/schema"
	"tegata/shared/audit"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/fault"
)

// RFC 7591 §5: an initial access token that leaked is taken back, and works nowhere
// any more, once and for all.
func TestAnInvitationThatWasRevokedRegistersNobody(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		held := clock.Hold(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC))
		r := &clients.Registry{Store: clients.Store{DB: d}, Clock: held.Now}
		log := audit.Log{DB: d, Clock: held.Now}
		leaked, token, err := r.Invite(t.Context(), "left on a bus", 5, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		_, other, err := r.Invite(t.Context(), "", 1, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if id, err := r.Accept(t.Context(), token); err != nil || id != leaked.ID {
			t.Fatal(id, err)
		}
		if _, err := r.Register(t.Context(), clients.Client{ID: "made"}, clients.Registration{InvitationID: leaked.ID}); err != nil {
			t.Fatal(err)
		}
		all, err := r.Invitations(t.Context())
		if err != nil || len(all) != 2 || all[1].ID != leaked.ID && all[0].ID != leaked.ID {
			t.Fatalf("%+v, %v", all, err)
		}
		seen := all[0]
		if seen.ID != leaked.ID {
			seen = all[1]
		}
		if seen.UsesLeft != 4 || seen.Registered != 1 || seen.Note != "left on a bus" || !seen.Open(held.Now()) {
			t.Errorf("it is listed as %+v", seen)
		}
		errs := make([]error, 4)
		var group sync.WaitGroup
		for i := range errs {
			group.Go(func() { _, errs[i] = r.RevokeInvitation(t.Context(), log, "cli", seen) })
		}
		group.Wait()
		revoked := 0
		for _, err := range errs {
			if err == nil {
				revoked++
			} else if !fault.Is(err, fault.Conflict) {
				t.Error(err)
			}
		}
		if revoked != 1 {
			t.Errorf("%d of %d revocations at once count", revoked, len(errs))
		}
		held.Move(-time.Minute) // a node with a clock that is behind
		if _, err := r.Accept(t.Context(), token); !fault.Is(err, fault.Denied) {
			t.Errorf("afterwards it gives %v", err)
		}
		if err := r.Invited(t.Context(), other); err != nil {
			t.Errorf("another one gives %v", err)
		}
		ids, err := r.RegisteredWith(t.Context(), leaked.ID)
		if err != nil || len(ids) != 1 || ids[0] != "made" {
			t.Errorf("registered with it: %v, %v", ids, err)
		}
	})
}

// Whoever registers while an initial access token is revoked is either named, or refused: no
// client comes by it and stays unseen. RFC 7591 §5.
func TestARevocationNamesWhoRegistersAtTheSameMoment(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		r := &clients.Registry{Store: clients.Store{DB: d}, Clock: clock.System}
		log := audit.Log{DB: d, Clock: clock.System}
		for round := range 8 {
			leaked, token, err := r.Invite(t.Context(), "", 100, time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			var group sync.WaitGroup
			var first sync.Once
			made, begun := make([]bool, 6), make(chan struct{})
			for i := range made {
				group.Go(func() {
					id := fmt.Sprintf("made-%d-%d", round, i)
					err := d.Tx(t.Context(), func(ctx context.Context) error {
						by, err := r.Accept(ctx, token)
						if i == 0 {
							first.Do(func() { close(begun) }) // the revocation comes while this goes on
						}
						if err != nil {
							return err
						}
						_, err = r.Register(ctx, clients.Client{ID: id}, clients.Registration{InvitationID: by})
						return err
					})
					if made[i] = err == nil; err != nil && !fault.Is(err, fault.Denied) {
						t.Error(id, err)
					}
				})
			}
			<-begun
			done, err := r.RevokeInvitation(t.Context(), log, "cli", leaked)
			if err != nil {
				t.Fatal(err)
			}
			group.Wait()
			var want []string
			for i, there := range made {
				if there {
					want = append(want, fmt.Sprintf("made-%d-%d", round, i))
				}
			}
			slices.Sort(done.Clients)
			if !slices.Equal(done.Clients, want) || done.UsesLeft != 100-len(want) {
				t.Errorf("it names %v, %d uses left; registered are %v", done.Clients, done.UsesLeft, want)
			}
			if _, err := r.Accept(t.Context(), token); !fault.Is(err, fault.Denied) {
				t.Errorf("afterwards it gives %v", err)
			}
		}
	})
}
