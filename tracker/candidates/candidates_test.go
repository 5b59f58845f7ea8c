package candidates_test

import (
	"fmt"
	"regexp"
	"sync"
	"testing"
	"time"

	"tegata/shared/audit"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/fault"
	"tegata/shared/locale"
	"tegata/tracker/candidates"
	"tegata/tracker/schema"
)

var morning = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)

// world is a service over an empty database.
type world struct {
	*candidates.Service
	clock *clock.Held
}

func newWorld(d *db.DB) world {
	held := clock.Hold(morning)
	return world{&candidates.Service{
		DB: d, Audit: audit.Log{DB: d, Clock: held.Now}, Clock: held.Now,
		CSCOPrefix: "CSCO", Languages: []string{"en", "ja"}, Country: locale.IsCountry,
	}, held}
}

func each(t *testing.T, test func(t *testing.T, w world)) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) { test(t, newWorld(d)) })
}

var ada = candidates.Arrival{
	Issuer: "https://id.example", Subject: "sub-ada", GivenName: "Ada", FamilyName: "Lovelace", Email: "ada@example.org",
	Country: "gb", Zone: "Europe/London",
}

func (w world) arrive(t *testing.T, a candidates.Arrival) candidates.Candidate {
	t.Helper()
	c, err := w.Arrive(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w world) value(t *testing.T, id string, system candidates.System) string {
	t.Helper()
	ids, err := w.ExternalIDs(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	x, _ := ids.Of(system)
	return x.Value
}

// actions lists what the audit log says about a candidate, oldest first.
func (w world) actions(t *testing.T, id string) []string {
	t.Helper()
	events, err := db.Collect(t.Context(), w.DB, `select action from audit_events where subject = $1 order by id`, db.Args(id),
		func(scan db.Scan) (s string, err error) { return s, scan(&s) })
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// S-184: an unknown subject gets an empty profile.
func TestAnUnknownAccountGetsACandidateWithACSCOID(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		c := w.arrive(t, ada)

		if c.State != candidates.Provisional || c.Name() != "Ada Lovelace" || c.Country != "GB" {
			t.Errorf("candidate %+v, want a provisional Ada Lovelace of GB", c)
		}
		if got := w.value(t, c.ID, candidates.SystemAccount); got != ada.Subject {
			t.Errorf("account %q, want %q", got, ada.Subject)
		}
		csco := w.value(t, c.ID, candidates.SystemCSCO)
		if !regexp.MustCompile(`^CSCO[1-9]\d{7}$`).MatchString(csco) {
			t.Errorf("CSCO ID %q, want CSCO and eight digits", csco)
		}
		for _, system := range []candidates.System{candidates.SystemVUE, candidates.SystemCredly, candidates.SystemCCIE} {
			if got := w.value(t, c.ID, system); got != "" {
				t.Errorf("%s is linked to %q, want not linked", system, got)
			}
		}
		if got, want := fmt.Sprint(w.actions(t, c.ID)), "[candidate.created csco.assigned]"; got != want {
			t.Errorf("audit %s, want %s", got, want)
		}
	})
}

// As the provider writes the names of people who chose Japanese.
func TestJapaneseReadersSeeTheFamilyNameFirst(t *testing.T) {
	for _, c := range []struct {
		who        candidates.Candidate
		lang, want string
	}{
		{candidates.Candidate{GivenName: "Hanako", FamilyName: "Sato", Email: "h@example.jp"}, "ja", "Sato Hanako"},
		{candidates.Candidate{GivenName: "Hanako", FamilyName: "Sato", Email: "h@example.jp"}, "en", "Hanako Sato"},
		{candidates.Candidate{FamilyName: "Sato", Email: "h@example.jp"}, "ja", "Sato"},
		{candidates.Candidate{Email: "h@example.jp"}, "ja", "h@example.jp"},
	} {
		if got := c.who.NameIn(c.lang); got != c.want {
			t.Errorf("%q in %s, want %q", got, c.lang, c.want)
		}
	}
}

func TestTheSameAccountIsTheSameCandidateAndBringsItsNewName(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		first := w.arrive(t, ada)
		csco := w.value(t, first.ID, candidates.SystemCSCO)
		w.clock.Move(time.Hour)
		married := ada
		married.FamilyName, married.Email, married.Zone = "King", "king@example.org", ""
		second := w.arrive(t, married)

		if second.ID != first.ID || second.Name() != "Ada King" || second.Zone != "Europe/London" {
			t.Errorf("second log-in gives %+v, want candidate %s as Ada King, zone kept", second, first.ID)
		}
		if !second.LastLoginAt.Equal(w.clock.Now()) {
			t.Errorf("last log-in at %v, want %v", second.LastLoginAt, w.clock.Now())
		}
		if got := w.value(t, first.ID, candidates.SystemCSCO); got != csco {
			t.Errorf("CSCO ID became %s, want %s for ever", got, csco)
		}
	})
}

// Tracker domain §4: whoever gets a used e-mail address starts empty.
func TestAnAccountIsNeverFoundByItsEmail(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		first := w.arrive(t, ada)
		for name, a := range map[string]candidates.Arrival{
			"another subject": {Issuer: ada.Issuer, Subject: "sub-x", Email: ada.Email, GivenName: "Ada", FamilyName: "Lovelace"},
			"another issuer":  {Issuer: "https://other.example", Subject: ada.Subject, Email: ada.Email},
			"another case":    {Issuer: ada.Issuer, Subject: "SUB-ADA", Email: ada.Email},
		} {
			if other := w.arrive(t, a); other.ID == first.ID {
				t.Errorf("%s reached the candidate of %s", name, ada.Subject)
			}
		}
	})
}

func TestAnAccountWithoutSubjectIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		for _, a := range []candidates.Arrival{{Issuer: "i"}, {Subject: "s"}, {Issuer: "i", Subject: string(make([]byte, 256))}} {
			if _, err := w.Arrive(t.Context(), a); !fault.Is(err, fault.Invalid) {
				t.Errorf("%+v gives %v, want a refusal", a, err)
			}
		}
	})
}

func TestFiftyFirstLoginsAtOnceGiveOneCandidateAndOneCSCOID(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		for round := range 5 {
			a := ada
			a.Subject = fmt.Sprint("sub-", round)
			ids := make([]string, 50)
			var ready, done sync.WaitGroup
			start := make(chan struct{})
			for i := range ids {
				ready.Add(1)
				done.Go(func() {
					ready.Done()
					<-start
					c, err := w.Arrive(t.Context(), a)
					if err != nil {
						t.Errorf("log-in %d: %v", i, err)
					}
					ids[i] = c.ID
				})
			}
			ready.Wait()
			close(start)
			done.Wait()
			for i, id := range ids {
				if id != ids[0] {
					t.Fatalf("log-in %d got candidate %s, log-in 0 got %s", i, id, ids[0])
				}
			}
			w.count(t, 1, `select count(*) from external_ids where system = 'csco' and candidate_id = $1`, ids[0])
			w.count(t, 1, `select count(*) from external_ids where system = 'account' and value = $1`, a.Subject)
		}
		w.count(t, 5, `select count(*) from candidates`)
	})
}

func (w world) count(t *testing.T, want int, query string, args ...any) {
	t.Helper()
	var got int
	if err := w.DB.Row(t.Context(), query, args, &got); err != nil || got != want {
		t.Errorf("%s gives %d, %v; want %d", query, got, err, want)
	}
}

// the index refuses a second owner whatever the code above it does.
func TestTheDatabaseRefusesASecondOwnerOfAnExternalID(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		one := w.arrive(t, ada)
		bob := ada
		bob.Subject = "sub-bob"
		two := w.arrive(t, bob)
		give := func(rowID, candidateID, state string) error {
			_, err := w.DB.Exec(t.Context(), `
				insert into external_ids (id, candidate_id, system, issuer, value, state, linked_by, linked_at)
				values ($1, $2, 'vue', '', 'V1234567', $3, 'test', $4)`, rowID, candidateID, state, morning)
			return err
		}
		if err := give("a", one.ID, "active"); err != nil {
			t.Fatal(err)
		}
		if err := give("b", two.ID, "active"); !fault.Is(err, fault.Conflict) {
			t.Errorf("a second owner gives %v, want a conflict", err)
		}
		if err := give("c", two.ID, "superseded"); err != nil {
			t.Errorf("a former owner gives %v, want nil", err)
		}
	})
}

func TestASupersededCSCOIDIsNeverGivenAgain(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		c := w.arrive(t, ada)
		csco := w.value(t, c.ID, candidates.SystemCSCO)
		if _, err := w.DB.Exec(t.Context(), `update external_ids set state = 'superseded' where system = 'csco'`); err != nil {
			t.Fatal(err)
		}
		_, err := w.DB.Exec(t.Context(), `
			insert into external_ids (id, candidate_id, system, issuer, value, state, linked_by, linked_at)
			values ('x', $1, 'csco', '', $2, 'active', 'test', 1)`, c.ID, csco)
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("giving it again gives %v, want a conflict", err)
		}
		if found, err := w.Find(t.Context(), csco); err != nil || found.ID != c.ID {
			t.Errorf("the old ID finds %v, %v; want %s", found.ID, err, c.ID)
		}
	})
}

func TestACandidateIsFoundByIDByNumberAndBySubject(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		c := w.arrive(t, ada)
		for _, name := range []string{c.ID, ada.Subject, w.value(t, c.ID, candidates.SystemCSCO)} {
			if found, err := w.Find(t.Context(), name); err != nil || found.ID != c.ID {
				t.Errorf("%s finds %q, %v; want %s", name, found.ID, err, c.ID)
			}
		}
		if _, err := w.Find(t.Context(), ada.Email); !fault.Is(err, fault.NotFound) {
			t.Errorf("the e-mail finds %v, want nothing", err)
		}
		if all, err := w.List(t.Context(), "", 10); err != nil || len(all) != 1 {
			t.Errorf("the list has %d, %v; want one", len(all), err)
		}
	})
}

// S-188 and trap 1 of the domain model: the cut-off day itself is included.
func TestTheEarliestBookingDecidesAboutTheVUENotice(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		c := w.arrive(t, ada)
		const cutOff = "2022-09-27"
		notice := func() bool {
			c, err := w.ByID(t.Context(), c.ID)
			if err != nil {
				t.Fatal(err)
			}
			ids, err := w.ExternalIDs(t.Context(), c.ID)
			if err != nil {
				t.Fatal(err)
			}
			return candidates.NeedsVUEMapping(c, ids, cutOff)
		}
		for _, step := range []struct {
			day  string
			want bool
		}{{"2022-09-28", false}, {"2023-01-01", false}, {"2022-09-27", true}, {"2024-01-01", true}} {
			if err := w.NoteBooking(t.Context(), c.ID, step.day); err != nil {
				t.Fatal(err)
			}
			if got := notice(); got != step.want {
				t.Errorf("after a booking on %s the notice shows: %v, want %v", step.day, got, step.want)
			}
		}
		if err := w.NoteBooking(t.Context(), c.ID, "27 Sep 2022"); !fault.Is(err, fault.Invalid) {
			t.Errorf("a day in words gives %v, want a refusal", err)
		}
		if _, err := w.DB.Exec(t.Context(), `
			insert into external_ids (id, candidate_id, system, issuer, value, state, linked_by, linked_at)
			values ('v', $1, 'vue', '', 'V1', 'active', 'test', 1)`, c.ID); err != nil {
			t.Fatal(err)
		}
		if notice() {
			t.Error("the notice stays although VUE is linked")
		}
	})
}
