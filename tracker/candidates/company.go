package candidates

import (
	"context"
	"strings"
	"unicode/utf8"

	"tegata/shared/fault"
)

const maxCompany = 100

// SaveCompany stores the company name (S-193); an empty one takes it away. It gives
// fault.Invalid on "company" when the name is too long or not one line.
func (s *Service) SaveCompany(ctx context.Context, candidateID, name string) error {
	name = strings.TrimSpace(name)
	switch {
	case utf8.RuneCountInString(name) > maxCompany:
		return fault.New(fault.Invalid, "company", "field.too_long").With("max", maxCompany)
	case oneLine(name, maxCompany) != name:
		return fault.New(fault.Invalid, "company", "field.characters")
	}
	return s.DB.Tx(ctx, func(ctx context.Context) error {
		if err := s.store().setCompany(ctx, candidateID, name, s.Clock()); err != nil {
			return err
		}
		return s.record(ctx, "candidate.company_updated", candidateID, nil)
	})
}
