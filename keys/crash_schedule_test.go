package keys_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"tegata/keys"
	"tegata/shared/db/dbtest"
)

// The schedule that is changed, and what it becomes.
var (
	oldPlan = keys.Plan{Every: 90 * 24 * time.Hour, Before: 7 * 24 * time.Hour}
	newPlan = keys.Plan{Every: 30 * 24 * time.Hour, Before: 3 * 24 * time.Hour, Patience: 24 * time.Hour}
)

func TestAKilledScheduleIsTheOldOneOrTheNewOneAndOnRecord(t *testing.T) { // F-03
	dbtest.EachURL(t, func(t *testing.T, url string) {
		d := dbtest.Open(t, url, mechanisms(t))
		for step := range strings.FieldsSeq("begun planned done committed") {
			clearRing(t, d)
			r, kekFile := ringUnderNewKey(t, d)
			if err := r.SetPlan(t.Context(), oldPlan); err != nil {
				t.Fatal(err)
			}
			kill(t, "schedule", step, url, kekFile)
			want, recorded := oldPlan, oldPlan.Every
			if step == "committed" {
				want, recorded = newPlan, newPlan.Every
			}
			if p, err := r.Plan(t.Context()); err != nil || p != want {
				t.Errorf("killed at %s: the schedule is %+v %v, want %+v", step, p, err, want)
			}
			last, err := r.Audit.Tail(t.Context(), 1, "")
			if err != nil || len(last) != 1 || last[0].Details["every"] != recorded.String() {
				t.Errorf("killed at %s: %+v %v is on record, want every %s", step, last, err, recorded)
			}
		}
	})
}

// keep does what the schedule says is due, once whoever had its lease has let it run out.
func keep(ctx context.Context, r *keys.Ring) error {
	if _, err := r.DB.Exec(ctx, `update key_ring set lease_until = 0`); err != nil {
		return err
	}
	if err := r.RunPlan(ctx); err != nil {
		return err
	}
	p, err := r.Plan(ctx)
	if err != nil {
		return err
	}
	due, err := r.Due(ctx, p)
	if err == nil && (len(due) != 1 || !r.Clock().Before(due[0].PromoteAt)) {
		err = fmt.Errorf("still due: %+v", due)
	}
	return err
}
