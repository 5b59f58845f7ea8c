package candidates

import (
	"context"
	"time"
)

// System names where an external ID is from.
type System string

// The systems. The last four are the personal IDs at the foot of the settings (S-202).
const (
	SystemAccount System = "account" // issuer and subject at the OpenID Provider
	SystemCSCO    System = "csco"    // CSCO and eight digits, ours
	SystemVUE     System = "vue"     // testing ID at Pearson VUE
	SystemCredly  System = "credly"  // earner ID at Credly
	SystemCCDE    System = "ccde"
	SystemCCIE    System = "ccie"
	SystemDevNet  System = "devnet"
	SystemNetAcad System = "netacad"
)

// ExternalID is a number or name of a candidate elsewhere. Its owner is sure: nothing
// is linked on a person's word alone.
type ExternalID struct {
	ID, CandidateID string
	System          System
	Issuer          string // for an account: the issuer; else ""
	Value           string
	LinkedBy        string // what the link rests on: "first log-in", "assigned", a feed, a case
	LinkedAt        time.Time
}

// ExternalIDs is the active IDs of one candidate.
type ExternalIDs []ExternalID

// Of gives the active ID in a system; ok is false when it is not linked.
func (ids ExternalIDs) Of(system System) (id ExternalID, ok bool) {
	for _, id := range ids {
		if id.System == system {
			return id, true
		}
	}
	return ExternalID{}, false
}

// ExternalIDs gives the active IDs of a candidate (S-200, S-202).
func (s *Service) ExternalIDs(ctx context.Context, candidateID string) (ExternalIDs, error) {
	return s.store().externalIDs(ctx, candidateID)
}
