package candidates

// NeedsVUEMapping tells whether a candidate has to ask for the mapping of the VUE
// account: a booking on or before the cut-off day, that day included (S-188), and no
// VUE ID linked yet. Days are YYYY-MM-DD, which order as text; "" means none known.
func NeedsVUEMapping(c Candidate, ids ExternalIDs, cutOff string) bool {
	_, linked := ids.Of(SystemVUE)
	return !linked && c.FirstBookedOn != "" && cutOff != "" && c.FirstBookedOn <= cutOff
}
