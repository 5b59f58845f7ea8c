package candidates

import (
	"regexp"
	"slices"
	"strings"

	"tegata/shared/fault"
)

// PostalRule says what a country's addresses need.
type PostalRule struct {
	Postcode bool   // a postcode is required
	Region   bool   // a state, province or prefecture is required
	Example  string // a postcode of that country, or "" when its form is not checked
	form     *regexp.Regexp
	tidy     func(string) string
}

// withPostcode lists the countries where every address has a postcode. It is a list
// of those that have one, not of those that lack it: to demand a postcode that does
// not exist locks a person out.
var withPostcode = strings.Fields(`
	AT AU BE BG BR CA CH CN CY CZ DE DK EE ES FI FR GB GR HR HU ID IL IN IS IT JP KR LI LT LU LV MC MT MX MY
	NL NO NZ PH PL PT RO RS RU SE SG SI SK TH TR TW UA US VN ZA`)

// withRegion lists the countries whose addresses are not complete without one.
var withRegion = strings.Fields(`AU BR CA CN ID IN JP MX MY US`)

type postcodeForm struct {
	form    *regexp.Regexp
	example string
	tidy    func(string) string
}

// postcodeForms holds the forms that we are sure of. The Japanese example is the
// seed's own (001:403).
var postcodeForms = map[string]postcodeForm{
	"JP": {digits(`\d{3}-\d{4}`), "107-6227", splitAt(3, "-", 7)},
	"US": {digits(`\d{5}(-\d{4})?`), "94105", splitAt(5, "-", 9)},
	"CA": {digits(`[A-Z]\d[A-Z] \d[A-Z]\d`), "K1A 0B1", splitAt(3, " ", 6)},
	"AU": {digits(`\d{4}`), "2000", nil},
	"AT": {digits(`\d{4}`), "1010", nil},
	"BE": {digits(`\d{4}`), "1000", nil},
	"CH": {digits(`\d{4}`), "8001", nil},
	"CN": {digits(`\d{6}`), "100000", nil},
	"DE": {digits(`\d{5}`), "10115", nil},
	"DK": {digits(`\d{4}`), "1050", nil},
	"ES": {digits(`\d{5}`), "28001", nil},
	"FR": {digits(`\d{5}`), "75001", nil},
	"IN": {digits(`\d{6}`), "110001", nil},
	"IT": {digits(`\d{5}`), "00118", nil},
	"KR": {digits(`\d{5}`), "03051", nil},
	"NO": {digits(`\d{4}`), "0150", nil},
	"SG": {digits(`\d{6}`), "018956", nil},
}

func digits(form string) *regexp.Regexp { return regexp.MustCompile(`^` + form + `$`) }

// splitAt puts sep after the first n signs when the postcode has whole signs without it.
func splitAt(n int, sep string, whole int) func(string) string {
	return func(s string) string {
		bare := strings.NewReplacer("-", "", " ", "").Replace(s)
		if len(bare) != whole {
			return s
		}
		return bare[:n] + sep + bare[n:]
	}
}

// PostalRuleOf gives the rule of a country; unknown ones demand nothing.
func PostalRuleOf(country string) PostalRule {
	f := postcodeForms[country]
	return PostalRule{
		Postcode: slices.Contains(withPostcode, country),
		Region:   slices.Contains(withRegion, country),
		Example:  f.example, form: f.form, tidy: f.tidy,
	}
}

// check brings a postcode into its country's form, or refuses it.
func (r PostalRule) check(postcode *string) error {
	*postcode = strings.ToUpper(*postcode)
	if *postcode == "" || r.form == nil {
		return nil
	}
	if r.tidy != nil {
		*postcode = r.tidy(*postcode)
	}
	if !r.form.MatchString(*postcode) {
		return fault.New(fault.Invalid, "postcode", "address.postcode").With("example", r.Example)
	}
	return nil
}

// NeedingPostcode and NeedingRegion give the countries whose addresses need one, for
// the pages that mark the field while the country is being chosen.
func NeedingPostcode() []string { return slices.Clone(withPostcode) }

// NeedingRegion is explained at NeedingPostcode.
func NeedingRegion() []string { return slices.Clone(withRegion) }
