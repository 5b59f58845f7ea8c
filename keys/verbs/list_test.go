package verbs_test

import (
	"encoding/json"
	"regexp"
	"testing"

	"tegata/keys"
	"tegata/shared/db"
)

// What is sealed of a key that ended is a statement: its private half is gone.
func TestTheListTellsWhichPrivateHalvesAreGone(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s := start(t, d, "ES256")
		s.sees(0, []string{"rotate", "ES256", "--force"})
		s.sees(0, []string{"revoke", "--yes", "--", s.key("ES256", keys.Next)})
		where := map[keys.State]string{keys.Active: "sealed", keys.Next: "sealed", keys.Retired: "gone", keys.Revoked: "gone"}
		table := s.sees(0, []string{"list"})
		for state, want := range where {
			if !regexp.MustCompile(`ES256 +` + string(state) + ` +\S+ +` + want).MatchString(table) {
				t.Errorf("the private half of the %s key should be %s in\n%s", state, want, table)
			}
		}
		var all []struct {
			State    keys.State
			Private  string  `json:"private_half"`
			SealedBy *string `json:"sealed_by"`
		}
		if err := json.Unmarshal([]byte(s.sees(0, []string{"list", "--json"})), &all); err != nil || len(all) != 4 {
			t.Fatalf("%+v %v", all, err)
		}
		for _, one := range all {
			if want := where[one.State]; one.Private != want || (one.SealedBy != nil) != (want == "sealed") {
				t.Errorf("%+v, want that it is %s", one, want)
			}
		}
	})
}
