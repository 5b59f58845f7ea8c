package web

import (
	"net/http"

	"tegata/shared/fault"
	"tegata/shared/page"
	"tegata/tracker/candidates"
)

// welcomePage is the data of one part of the first log-in.
type welcomePage struct {
	Address  addressForm
	Settings settingsForm
}

// welcome leads to the part of the first log-in that is still to do, and after both
// to the place the person asked for (S-190).
func (p *Pages) welcome(w http.ResponseWriter, r *http.Request, who *candidates.SignedIn) error {
	if who.Candidate.State == candidates.Active {
		return p.Set.See(w, r, orHome(who.Wanted))
	}
	switch _, err := p.Candidates.MailingAddress(r.Context(), who.Candidate.ID); {
	case fault.Is(err, fault.NotFound):
		return p.Set.See(w, r, "/welcome/address")
	case err != nil:
		return err
	}
	return p.Set.See(w, r, "/welcome/settings")
}

// showWelcomeAddress is part 1; what the provider knows is filled in (S-191).
func (p *Pages) showWelcomeAddress(w http.ResponseWriter, r *http.Request, who *candidates.SignedIn) error {
	if who.Candidate.State == candidates.Active {
		return p.Set.See(w, r, orHome(who.Wanted))
	}
	a, err := p.Candidates.MailingAddress(r.Context(), who.Candidate.ID)
	if fault.Is(err, fault.NotFound) {
		a, err = candidates.Address{Recipient: recipient(who.Candidate), Country: who.Candidate.Country}, nil
	}
	if err != nil {
		return err
	}
	return p.welcomeAddressPage(w, r, a, nil)
}

func (p *Pages) welcomeAddress(w http.ResponseWriter, r *http.Request, who *candidates.SignedIn) error {
	a := readAddress(r)
	if page.Switched(r) {
		return p.welcomeAddressPage(w, r, a, nil)
	}
	err := p.Candidates.SaveAddress(r.Context(), who.Candidate.ID, a)
	if fault.Is(err, fault.Invalid) {
		return p.welcomeAddressPage(w, r, a, err)
	}
	if err != nil {
		return err
	}
	return p.Set.See(w, r, "/welcome/settings")
}

func (p *Pages) welcomeAddressPage(w http.ResponseWriter, r *http.Request, a candidates.Address, problem error) error {
	return p.show(w, r, page.Page{
		Template: "welcome_address", Title: "welcome.address.title", Problem: problem,
		Data: welcomePage{Address: addressFormOf(r, a)},
	})
}

// showWelcomeSettings is part 2; without an address part 1 comes first (S-192).
func (p *Pages) showWelcomeSettings(w http.ResponseWriter, r *http.Request, who *candidates.SignedIn) error {
	if who.Candidate.State == candidates.Active {
		return p.Set.See(w, r, orHome(who.Wanted))
	}
	if _, err := p.Candidates.MailingAddress(r.Context(), who.Candidate.ID); fault.Is(err, fault.NotFound) {
		return p.Set.See(w, r, "/welcome/address")
	} else if err != nil {
		return err
	}
	s, err := p.Candidates.Settings(r.Context(), who.Candidate.ID)
	if fault.Is(err, fault.NotFound) {
		s, err = p.Candidates.Suggested(who.Candidate, page.Language(r)), nil
	}
	if err != nil {
		return err
	}
	return p.welcomeSettingsPage(w, r, s, nil)
}

func (p *Pages) welcomeSettings(w http.ResponseWriter, r *http.Request, who *candidates.SignedIn) error {
	s := readSettings(r)
	if page.Switched(r) {
		return p.welcomeSettingsPage(w, r, s, nil)
	}
	err := p.Candidates.SaveSettings(r.Context(), who.Candidate.ID, s)
	if fault.Is(err, fault.Invalid) {
		return p.welcomeSettingsPage(w, r, s, err)
	}
	if err != nil {
		return err
	}
	p.Set.Remember(w, s.Language)
	return p.Set.See(w, r, "/welcome")
}

func (p *Pages) welcomeSettingsPage(w http.ResponseWriter, r *http.Request, s candidates.Settings, problem error) error {
	return p.show(w, r, page.Page{
		Template: "welcome_settings", Title: "welcome.settings.title", Problem: problem,
		Data: welcomePage{Settings: p.settingsFormOf(r, s)},
	})
}

// recipient fills the name on the parcel, unless the provider knows no name.
func recipient(c candidates.Candidate) string {
	if c.GivenName == "" && c.FamilyName == "" {
		return ""
	}
	return c.Name()
}

func orHome(path string) string {
	if path == "" {
		return "/home"
	}
	return path
}
