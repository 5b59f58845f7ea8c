package candidates

import (
	"context"
	"slices"
	"time"

	"tegata/shared/fault"
)

// Settings is how a candidate wants to be treated (S-192, S-198).
type Settings struct {
	Language      string // one of Service.Languages
	Zone          string // IANA name, one of Zones
	Communication Communication
	UpdatedAt     time.Time // last saved; zero for what was never saved
}

// Communication says what may be sent.
type Communication string

// The choices. Messages that a certification needs are always sent.
const (
	Essential Communication = "essential" // only what concerns one's own certifications
	News      Communication = "news"      // news of the programme as well
)

// Settings gives the settings of a candidate; fault.NotFound when none were saved.
func (s *Service) Settings(ctx context.Context, candidateID string) (Settings, error) {
	return s.store().settings(ctx, candidateID)
}

// Suggested gives settings for the form of the first log-in: the language that the
// person is reading, the zone that the provider knows, the least communication.
func (s *Service) Suggested(c Candidate, language string) Settings {
	out := Settings{Language: language, Zone: c.Zone, Communication: Essential}
	if !IsZone(out.Zone) {
		out.Zone = ZoneOf(c.Country)
	}
	return out
}

// SaveSettings stores the settings and notes the time. With the address saved too,
// the first log-in is complete (S-190). Mistakes come as fault.Fields.
func (s *Service) SaveSettings(ctx context.Context, candidateID string, set Settings) error {
	if err := s.checkSettings(set); err != nil {
		return err
	}
	return s.DB.Tx(ctx, func(ctx context.Context) error {
		now := s.Clock()
		if err := s.store().touch(ctx, candidateID, now); err != nil {
			return err
		}
		if err := s.store().saveSettings(ctx, candidateID, set, now); err != nil {
			return err
		}
		details := map[string]string{"communication": string(set.Communication)}
		if err := s.record(ctx, "candidate.settings_updated", candidateID, details); err != nil {
			return err
		}
		return s.completeIfDone(ctx, candidateID, now)
	})
}

func (s *Service) checkSettings(set Settings) error {
	var wrong fault.Fields
	wrong.Add(checkChoice("language", set.Language, slices.Contains(s.Languages, set.Language)))
	wrong.Add(checkChoice("zone", set.Zone, IsZone(set.Zone)))
	wrong.Add(checkChoice("communication", string(set.Communication), set.Communication == Essential || set.Communication == News))
	return wrong.Err()
}

func checkChoice(field, value string, known bool) error {
	switch {
	case value == "":
		return missing(field)
	case !known:
		return fault.New(fault.Invalid, field, "field.choose")
	}
	return nil
}
