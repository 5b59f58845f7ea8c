package candidates_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/shared/fault"
	"tegata/tracker/candidates"
)

var tokyo = candidates.Address{
	Recipient: "Hanako Yamada", Line1: "1-2-3 Akasaka", Line2: "Room 401", City: "Minato-ku", Region: "Tokyo",
	Postcode: "107-6227", Country: "JP", Phone: "+81 3 1234 5678",
}

var inJapanese = candidates.Settings{Language: "ja", Zone: "Asia/Tokyo", Communication: candidates.News}

// S-190: both parts make the first log-in complete, in any order, once.
func TestAddressAndSettingsCompleteTheFirstLogin(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		c := w.arrive(t, ada)
		state := func() candidates.State {
			c, err := w.ByID(t.Context(), c.ID)
			if err != nil {
				t.Fatal(err)
			}
			return c.State
		}
		if err := w.SaveAddress(t.Context(), c.ID, tokyo); err != nil {
			t.Fatal(err)
		}
		if got := state(); got != candidates.Provisional {
			t.Errorf("with the address alone: %s, want provisional", got)
		}
		if err := w.SaveSettings(t.Context(), c.ID, inJapanese); err != nil {
			t.Fatal(err)
		}
		if got := state(); got != candidates.Active {
			t.Errorf("with both: %s, want active", got)
		}
		if err := w.SaveSettings(t.Context(), c.ID, inJapanese); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(fmt.Sprint(w.actions(t, c.ID)), "candidate.active"); n != 1 {
			t.Errorf("the audit log tells %d times that the candidate became active, want once", n)
		}
	})
}

func TestBothPartsSavedAtOnceStillComplete(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		for i := range 10 {
			a := ada
			a.Subject = fmt.Sprint("sub-", i)
			c := w.arrive(t, a)
			var both sync.WaitGroup
			for _, save := range []func() error{
				func() error { return w.SaveAddress(t.Context(), c.ID, tokyo) },
				func() error { return w.SaveSettings(t.Context(), c.ID, inJapanese) },
			} {
				both.Go(func() {
					if err := save(); err != nil {
						t.Error(err)
					}
				})
			}
			both.Wait()
			if got, err := w.ByID(t.Context(), c.ID); err != nil || got.State != candidates.Active {
				t.Errorf("candidate is %s, %v; want active", got.State, err)
			}
		}
	})
}

func TestSavingKeepsOneRowAndTellsTheTime(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		c := w.arrive(t, ada)
		for range 2 {
			w.clock.Move(time.Hour)
			if err := w.SaveAddress(t.Context(), c.ID, tokyo); err != nil {
				t.Fatal(err)
			}
			if err := w.SaveSettings(t.Context(), c.ID, inJapanese); err != nil {
				t.Fatal(err)
			}
			if err := w.SaveCompany(t.Context(), c.ID, " Analytical Engines "); err != nil {
				t.Fatal(err)
			}
		}
		address, err := w.MailingAddress(t.Context(), c.ID)
		want := tokyo
		want.UpdatedAt = w.clock.Now()
		if err != nil || address != want {
			t.Errorf("address %+v, %v; want %+v", address, err, want)
		}
		settings, err := w.Settings(t.Context(), c.ID)
		if err != nil || settings.Language != "ja" || !settings.UpdatedAt.Equal(w.clock.Now()) {
			t.Errorf("settings %+v, %v; want ja, saved now", settings, err)
		}
		c, err = w.ByID(t.Context(), c.ID)
		if err != nil || c.Company != "Analytical Engines" || !c.CompanyUpdatedAt.Equal(w.clock.Now()) {
			t.Errorf("company %q at %v, %v", c.Company, c.CompanyUpdatedAt, err)
		}
		w.count(t, 1, `select count(*) from addresses`)
	})
}

func TestNothingSavedIsNotFound(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		c := w.arrive(t, ada)
		if _, err := w.MailingAddress(t.Context(), c.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("address gives %v, want not found", err)
		}
		if _, err := w.Settings(t.Context(), c.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("settings give %v, want not found", err)
		}
		if err := w.SaveCompany(t.Context(), "nobody", "X"); !fault.Is(err, fault.NotFound) {
			t.Errorf("company of nobody gives %v, want not found", err)
		}
	})
}

func TestAddressesAreCheckedByTheRulesOfTheirCountry(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		c := w.arrive(t, ada)
		for name, step := range map[string]struct {
			change func(a *candidates.Address)
			want   string // "field key" of each refusal
		}{
			"nothing":                {func(a *candidates.Address) { *a = candidates.Address{} }, "country required.country, recipient required.recipient, line1 required.line1, city required.city"},
			"Japan, postcode":        {func(a *candidates.Address) { a.Postcode = "" }, "postcode required.postcode"},
			"Japan, prefecture":      {func(a *candidates.Address) { a.Region = " " }, "region required.region"},
			"Japan, wrong postcode":  {func(a *candidates.Address) { a.Postcode = "12345" }, "postcode address.postcode"},
			"no such country":        {func(a *candidates.Address) { a.Country = "XX"; a.Region = "" }, "country field.choose"},
			"kanji":                  {func(a *candidates.Address) { a.City = "港区" }, "city field.roman"},
			"kana":                   {func(a *candidates.Address) { a.Recipient = "ﾔﾏﾀﾞ" }, "recipient field.roman"},
			"control sign":           {func(a *candidates.Address) { a.Line1 = "1-2-3\x00" }, "line1 field.roman"},
			"right to left override": {func(a *candidates.Address) { a.Line1 = "1-2-3 \u202e" }, "line1 field.roman"},
			"HTML":                   {func(a *candidates.Address) { a.Line1 = "<b>1</b>" }, "line1 field.roman"},
			"too long":               {func(a *candidates.Address) { a.City = strings.Repeat("a", 33) }, "city field.too_long"},
			"letters in the phone":   {func(a *candidates.Address) { a.Phone = "call me" }, "phone address.phone"},
			"short phone":            {func(a *candidates.Address) { a.Phone = "+81" }, "phone address.phone"},
		} {
			a := tokyo
			step.change(&a)
			if got := refusals(w.SaveAddress(t.Context(), c.ID, a)); got != step.want {
				t.Errorf("%s: refused %q, want %q", name, got, step.want)
			}
		}
		w.count(t, 0, `select count(*) from addresses`)
	})
}

func refusals(err error) string {
	if err == nil {
		return ""
	}
	var all []string
	for _, f := range fault.All(err) {
		all = append(all, f.Field+" "+f.Key)
	}
	return strings.Join(all, ", ")
}

func TestWhatKeyboardsTypeByHabitIsMended(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		c := w.arrive(t, ada)
		typed := candidates.Address{
			Recipient: "　Ｈａｎａｋｏ  Yamada ", Line1: "１－２－３ Akasaka", City: "Minato-ku", Region: "Tokyo",
			Postcode: "１０７６２２７", Country: "jp", Phone: "０３－１２３４－５６７８",
		}
		if err := w.SaveAddress(t.Context(), c.ID, typed); err != nil {
			t.Fatal(err)
		}
		got, err := w.MailingAddress(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		want := candidates.Address{
			Recipient: "Hanako Yamada", Line1: "1-2-3 Akasaka", City: "Minato-ku", Region: "Tokyo",
			Postcode: "107-6227", Country: "JP", Phone: "03-1234-5678", UpdatedAt: got.UpdatedAt,
		}
		if got != want {
			t.Errorf("stored %+v, want %+v", got, want)
		}
	})
}

func TestCountriesWithoutPostcodesDoNotWantOne(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		c := w.arrive(t, ada)
		for _, a := range []candidates.Address{
			{Recipient: "Wong Siu Ming", Line1: "1 Queen's Road Central", City: "Central", Country: "HK"},
			{Recipient: "Aisha K.", Line1: "Sheikh Zayed Rd. 1", City: "Dubai", Country: "AE"},
			{Recipient: "Zoë Müller", Line1: "Straße 5", City: "Köln", Country: "DE", Postcode: "50667"},
			{Recipient: "Łukasz Żak", Line1: "ul. Piotrkowska 1", City: "Łódź", Country: "PL", Postcode: "90-001"},
		} {
			if err := w.SaveAddress(t.Context(), c.ID, a); err != nil {
				t.Errorf("%s: %v", a.Country, err)
			}
		}
	})
}

func TestSettingsTakeOnlyWhatTheyOffer(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		c := w.arrive(t, ada)
		for want, set := range map[string]candidates.Settings{
			"language required.language, zone required.zone, communication required.communication": {},
			"language field.choose":      {Language: "tlh", Zone: "UTC", Communication: candidates.Essential},
			"zone field.choose":          {Language: "en", Zone: "../../etc/passwd", Communication: candidates.Essential},
			"communication field.choose": {Language: "en", Zone: "UTC", Communication: "spam"},
		} {
			if got := refusals(w.SaveSettings(t.Context(), c.ID, set)); got != want {
				t.Errorf("%+v: refused %q, want %q", set, got, want)
			}
		}
	})
}

func TestCompanyIsOneLineOfFairLength(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		c := w.arrive(t, ada)
		for name, want := range map[string]string{
			strings.Repeat("会", 101): "company field.too_long", "two\nlines": "company field.characters",
			strings.Repeat("会", 100): "", "株式会社テガタ": "", "": "",
		} {
			if got := refusals(w.SaveCompany(t.Context(), c.ID, name)); got != want {
				t.Errorf("%q: refused %q, want %q", name, got, want)
			}
		}
	})
}

func TestEveryZoneOnOfferExists(t *testing.T) {
	zones := candidates.Zones()
	if len(slices.Compact(slices.Clone(zones))) != len(zones) {
		t.Error("a zone is offered twice")
	}
	for _, zone := range zones {
		if _, err := time.LoadLocation(zone); err != nil {
			t.Errorf("%s: %v", zone, err)
		}
	}
	for _, country := range []string{"JP", "US", "GB", "BR", "NG"} {
		if zone := candidates.ZoneOf(country); !candidates.IsZone(zone) {
			t.Errorf("%s gets %q, which is not on offer", country, zone)
		}
	}
}

func TestSuggestedSettingsComeFromTheProvider(t *testing.T) {
	s := candidates.Service{Languages: []string{"en", "ja"}}
	for _, step := range []struct {
		c    candidates.Candidate
		want candidates.Settings
	}{
		{candidates.Candidate{Zone: "Asia/Tokyo"}, candidates.Settings{Language: "en", Zone: "Asia/Tokyo", Communication: candidates.Essential}},
		{candidates.Candidate{Country: "FR", Zone: "Mars/Olympus"}, candidates.Settings{Language: "en", Zone: "Europe/Paris", Communication: candidates.Essential}},
		{candidates.Candidate{}, candidates.Settings{Language: "en", Communication: candidates.Essential}},
	} {
		if got := s.Suggested(step.c, "en"); got != step.want {
			t.Errorf("%+v: suggested %+v, want %+v", step.c, got, step.want)
		}
	}
}
