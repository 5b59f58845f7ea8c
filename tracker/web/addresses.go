package web

import (
	"net/http"

	"tegata/shared/fault"
	"tegata/shared/page"
	"tegata/tracker/candidates"
)

// addressesPage is the data of the addresses.
type addressesPage struct {
	Address addressForm
	Zone    string
	Saved   bool
}

// showAddresses is PERSONAL INFO > Addresses (S-195).
func (p *Pages) showAddresses(w http.ResponseWriter, r *http.Request, who *candidates.SignedIn) error {
	a, err := p.Candidates.MailingAddress(r.Context(), who.Candidate.ID)
	if err != nil {
		return err
	}
	return p.addressesPage(w, r, who, a, nil)
}

// updateAddress is its button UPDATE ADDRESS.
func (p *Pages) updateAddress(w http.ResponseWriter, r *http.Request, who *candidates.SignedIn) error {
	a := readAddress(r)
	if page.Switched(r) {
		return p.addressesPage(w, r, who, a, nil)
	}
	err := p.Candidates.SaveAddress(r.Context(), who.Candidate.ID, a)
	if fault.Is(err, fault.Invalid) {
		return p.addressesPage(w, r, who, a, err)
	}
	if err != nil {
		return err
	}
	return p.saved(w, r, "/personal/addresses")
}

// addressesPage shows what was typed; when it was saved last is asked again.
func (p *Pages) addressesPage(w http.ResponseWriter, r *http.Request, who *candidates.SignedIn, a candidates.Address, problem error) error {
	zone, err := p.zoneOf(r, who)
	if err != nil {
		return err
	}
	if a.UpdatedAt.IsZero() {
		stored, err := p.Candidates.MailingAddress(r.Context(), who.Candidate.ID)
		if err != nil {
			return err
		}
		a.UpdatedAt = stored.UpdatedAt
	}
	return p.show(w, r, page.Page{
		Template: "addresses", Title: "addresses.title", Problem: problem,
		Data: addressesPage{Address: addressFormOf(r, a), Zone: zone, Saved: wasSaved(r)},
	})
}
