package candidates

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"

	"tegata/shared/fault"
	"tegata/shared/secret"
)

// Address is where post goes, in roman letters and half-width digits, since parcels
// cross borders (S-191, S-195).
type Address struct {
	Recipient    string
	Line1, Line2 string
	City, Region string
	Postcode     string
	Country      string // ISO 3166-1 alpha-2
	Phone        string
	UpdatedAt    time.Time // last saved; zero for one that is not saved yet
}

// addressKind is the only kind of address so far.
const addressKind = "mailing"

// MailingAddress gives the mailing address of a candidate; fault.NotFound when none
// was saved.
func (s *Service) MailingAddress(ctx context.Context, candidateID string) (Address, error) {
	return s.store().address(ctx, candidateID, addressKind)
}

// SaveAddress stores the mailing address and notes the time, also when nothing
// changed: pressing the button says that it is still right (S-195). With the settings
// saved too, the first log-in is complete. Mistakes come as fault.Fields.
func (s *Service) SaveAddress(ctx context.Context, candidateID string, a Address) error {
	a, err := s.checkAddress(a)
	if err != nil {
		return err
	}
	return s.DB.Tx(ctx, func(ctx context.Context) error {
		now := s.Clock()
		if err := s.store().touch(ctx, candidateID, now); err != nil {
			return err
		}
		if err := s.store().saveAddress(ctx, secret.NewID(), candidateID, addressKind, a, now); err != nil {
			return err
		}
		if err := s.record(ctx, "candidate.address_updated", candidateID, map[string]string{"kind": addressKind}); err != nil {
			return err
		}
		return s.completeIfDone(ctx, candidateID, now)
	})
}

// completeIfDone makes the candidate active once both parts of the first log-in are
// saved (S-190).
func (s *Service) completeIfDone(ctx context.Context, candidateID string, now time.Time) error {
	done, err := s.store().complete(ctx, candidateID, addressKind, now)
	if err != nil || !done {
		return err
	}
	return s.record(ctx, "candidate.active", candidateID, nil)
}

// The lengths that parcel labels and the testing partner take.
const (
	maxRecipient = 60
	maxLine      = 40
	maxCity      = 32
	maxRegion    = 32
	maxPostcode  = 12
	maxPhone     = 20
)

// checkAddress gives the address as it is stored, or every mistake in it.
func (s *Service) checkAddress(a Address) (Address, error) {
	var wrong fault.Fields
	a.Country = strings.ToUpper(strings.TrimSpace(a.Country))
	if a.Country == "" {
		wrong.Add(missing("country"))
	} else if !s.Country(a.Country) {
		wrong.Add(fault.New(fault.Invalid, "country", "field.choose"))
	}
	rule := PostalRuleOf(a.Country)
	for _, f := range []struct {
		name     string
		text     *string
		max      int
		required bool
	}{
		{"recipient", &a.Recipient, maxRecipient, true},
		{"line1", &a.Line1, maxLine, true},
		{"line2", &a.Line2, maxLine, false},
		{"city", &a.City, maxCity, true},
		{"region", &a.Region, maxRegion, rule.Region},
		{"postcode", &a.Postcode, maxPostcode, rule.Postcode},
		{"phone", &a.Phone, maxPhone, false},
	} {
		*f.text = roman(*f.text)
		wrong.Add(checkRoman(f.name, *f.text, f.max, f.required))
	}
	wrong.Add(rule.check(&a.Postcode))
	wrong.Add(checkPhone(a.Phone))
	return a, firstOfEach(wrong).Err()
}

// missing refuses an empty field in words of its own, so that a list of several says
// which ones they are.
func missing(field string) *fault.Error { return fault.New(fault.Invalid, field, "required."+field) }

// firstOfEach keeps the first mistake of each field: one thing to mend at a time.
func firstOfEach(all fault.Fields) fault.Fields {
	seen := map[string]bool{}
	var first fault.Fields
	for _, f := range all {
		if !seen[f.Field] {
			first = append(first, f)
		}
		seen[f.Field] = true
	}
	return first
}

// roman makes full-width letters and digits half-width, joins accents to their letters
// and single spaces: what a Japanese keyboard types by habit is no reason to refuse.
func roman(s string) string {
	return strings.Join(strings.Fields(norm.NFC.String(width.Fold.String(s))), " ")
}

// checkRoman refuses what is missing, too long or not in roman letters. width.Fold
// turns ideographic digits into nothing useful, so what is left is compared by script.
func checkRoman(field, s string, max int, required bool) error {
	switch {
	case s == "" && required:
		return missing(field)
	case utf8.RuneCountInString(s) > max:
		return fault.New(fault.Invalid, field, "field.too_long").With("max", max)
	case strings.ContainsFunc(s, notRoman):
		return fault.New(fault.Invalid, field, "field.roman")
	}
	return nil
}

func notRoman(r rune) bool {
	if r < 0x80 {
		return r < ' ' || r == 0x7f || r == '<' || r == '>'
	}
	return !unicode.Is(unicode.Latin, r) && !strings.ContainsRune("ªº°’‘–·", r)
}

// checkPhone takes what people write between digits and wants at least six of them.
func checkPhone(s string) error {
	digits := 0
	for i, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r == '+' && i == 0, strings.ContainsRune(" -().", r):
		default:
			return fault.New(fault.Invalid, "phone", "address.phone")
		}
	}
	if s != "" && digits < 6 {
		return fault.New(fault.Invalid, "phone", "address.phone")
	}
	return nil
}
