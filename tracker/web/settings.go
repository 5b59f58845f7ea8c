package web

import (
	"net/http"

	"tegata/shared/fault"
	"tegata/shared/page"
	"tegata/tracker/candidates"
)

// settingsPage is the data of the settings.
type settingsPage struct {
	Settings settingsForm
	Stored   candidates.Settings
	IDs      []idRow
	Saved    bool
}

// showSettings is PERSONAL INFO > Settings, with the personal IDs at its foot
// (S-198, S-199, S-202).
func (p *Pages) showSettings(w http.ResponseWriter, r *http.Request, who *candidates.SignedIn) error {
	s, err := p.Candidates.Settings(r.Context(), who.Candidate.ID)
	if err != nil {
		return err
	}
	return p.settingsPage(w, r, who, s, nil)
}

// updateSettings is its button UPDATE.
func (p *Pages) updateSettings(w http.ResponseWriter, r *http.Request, who *candidates.SignedIn) error {
	s := readSettings(r)
	if page.Switched(r) {
		return p.settingsPage(w, r, who, s, nil)
	}
	err := p.Candidates.SaveSettings(r.Context(), who.Candidate.ID, s)
	if fault.Is(err, fault.Invalid) {
		return p.settingsPage(w, r, who, s, err)
	}
	if err != nil {
		return err
	}
	p.Set.Remember(w, s.Language)
	return p.Set.See(w, r, "/personal/settings?saved=1")
}

func (p *Pages) settingsPage(w http.ResponseWriter, r *http.Request, who *candidates.SignedIn, s candidates.Settings, problem error) error {
	ids, err := p.Candidates.ExternalIDs(r.Context(), who.Candidate.ID)
	if err != nil {
		return err
	}
	stored, err := p.Candidates.Settings(r.Context(), who.Candidate.ID)
	if err != nil {
		return err
	}
	return p.show(w, r, page.Page{
		Template: "settings", Title: "settings.title", Problem: problem,
		Data: settingsPage{
			Settings: p.settingsFormOf(r, s), Stored: stored, Saved: wasSaved(r),
			IDs: idRows(ids, "personalid.", candidates.SystemCCDE, candidates.SystemCCIE, candidates.SystemDevNet, candidates.SystemNetAcad),
		},
	})
}
