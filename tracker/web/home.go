package web

import (
	"net/http"

	"tegata/shared/fault"
	"tegata/shared/page"
	"tegata/tracker/candidates"
)

// homePage is the data of the dashboard.
type homePage struct {
	Name      string
	CSCO      string
	MapVUE    bool // the notice of S-188
	CutOff    string
	Address   candidates.Address
	Country   string
	NotLinked []string // message keys of the IDs that are not linked
	Zone      string
}

// home is where a log-in ends: who one is here, and what there is to do (S-187).
func (p *Pages) home(w http.ResponseWriter, r *http.Request, who *candidates.SignedIn) error {
	ids, err := p.Candidates.ExternalIDs(r.Context(), who.Candidate.ID)
	if err != nil {
		return err
	}
	address, err := p.Candidates.MailingAddress(r.Context(), who.Candidate.ID)
	if err != nil {
		return err
	}
	settings, err := p.Candidates.Settings(r.Context(), who.Candidate.ID)
	if err != nil {
		return err
	}
	csco, _ := ids.Of(candidates.SystemCSCO)
	data := homePage{
		Name: who.Candidate.NameIn(page.Language(r)), CSCO: csco.Value, Address: address, Zone: settings.Zone, CutOff: p.BookedUntil,
		MapVUE: candidates.NeedsVUEMapping(who.Candidate, ids, p.BookedUntil),
	}
	for _, system := range []candidates.System{candidates.SystemCredly, candidates.SystemVUE} {
		if _, linked := ids.Of(system); !linked {
			data.NotLinked = append(data.NotLinked, "externalid."+string(system))
		}
	}
	return p.show(w, r, page.Page{Template: "home", Title: "home.title", Data: data})
}

// zoneOf gives the time zone of a person's settings; UTC before they are saved.
func (p *Pages) zoneOf(r *http.Request, who *candidates.SignedIn) (string, error) {
	s, err := p.Candidates.Settings(r.Context(), who.Candidate.ID)
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	return s.Zone, err
}
