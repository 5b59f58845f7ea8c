package web

import (
	"net/http"
	"time"

	"tegata/shared/fault"
	"tegata/shared/page"
	"tegata/tracker/candidates"
)

// informationPage is the data of My Information.
type informationPage struct {
	Candidate candidates.Candidate
	Company   string // as typed
	IDs       []idRow
	Zone      string
	Saved     bool
}

// idRow is one line of the external IDs.
type idRow struct {
	System   string
	Key      string // of its name; with .how of what to do when it is not linked
	Value    string // "" when it is not linked
	LinkedAt time.Time
	Account  bool // the value is a subject; what people know is the e-mail address
}

// showMyInformation is PERSONAL INFO > My Information (S-193, S-200).
func (p *Pages) showMyInformation(w http.ResponseWriter, r *http.Request, who *candidates.SignedIn) error {
	return p.informationPage(w, r, who, who.Candidate.Company, nil)
}

// updateInformation is its button UPDATE INFORMATION.
func (p *Pages) updateInformation(w http.ResponseWriter, r *http.Request, who *candidates.SignedIn) error {
	company := r.PostFormValue("company")
	if page.Switched(r) {
		return p.informationPage(w, r, who, company, nil)
	}
	err := p.Candidates.SaveCompany(r.Context(), who.Candidate.ID, company)
	if fault.Is(err, fault.Invalid) {
		return p.informationPage(w, r, who, company, err)
	}
	if err != nil {
		return err
	}
	return p.saved(w, r, "/personal")
}

func (p *Pages) informationPage(w http.ResponseWriter, r *http.Request, who *candidates.SignedIn, company string, problem error) error {
	ids, err := p.Candidates.ExternalIDs(r.Context(), who.Candidate.ID)
	if err != nil {
		return err
	}
	zone, err := p.zoneOf(r, who)
	if err != nil {
		return err
	}
	return p.show(w, r, page.Page{
		Template: "my_information", Title: "information.title", Problem: problem,
		Data: informationPage{
			Candidate: who.Candidate, Company: company, Zone: zone, Saved: wasSaved(r),
			IDs: idRows(ids, "externalid.", candidates.SystemAccount, candidates.SystemCSCO, candidates.SystemCredly, candidates.SystemVUE),
		},
	})
}

// idRows gives a line for each system, linked or not. texts is the beginning of their keys.
func idRows(ids candidates.ExternalIDs, texts string, systems ...candidates.System) []idRow {
	var rows []idRow
	for _, system := range systems {
		id, _ := ids.Of(system)
		rows = append(rows, idRow{
			System: string(system), Key: texts + string(system), Value: id.Value, LinkedAt: id.LinkedAt,
			Account: system == candidates.SystemAccount,
		})
	}
	return rows
}
