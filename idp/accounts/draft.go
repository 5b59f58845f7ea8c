package accounts

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"tegata/idp/passwords"
	"tegata/shared/fault"
	"tegata/shared/locale"
	"tegata/shared/mail"
)

// maxName is how many code points a name may have; maxNameBytes what is looked at.
const (
	maxName      = 64
	maxNameBytes = 1024
)

// Draft is what a person types to sign up (S-017).
type Draft struct {
	Email, Password       string
	GivenName, FamilyName string // in Roman letters (S-019)
	Country               string // ISO 3166-1 alpha-2
	Language              string // of the page; mails are written in it
	Resume                string // the interaction to go on with after log-in, "" for none
}

// Check judges all fields and gives the draft as it will be kept. The error is
// fault.Fields: each with its form field and a key.
func (d Draft) Check() (Draft, error) {
	var refused fault.Fields
	var err error
	typed := d.Email
	if d.Email, err = mail.Address(d.Email); err != nil {
		refused.Add(err)
	}
	refused.Add(passwords.Problem("password", d.Password, d.about(typed)))
	d.GivenName, err = romanName("given_name", d.GivenName)
	refused.Add(err)
	d.FamilyName, err = romanName("family_name", d.FamilyName)
	refused.Add(err)
	d.Country = strings.TrimSpace(d.Country)
	refused.Add(checkCountry(d.Country))
	if !resumable.MatchString(d.Resume) {
		d.Resume = ""
	}
	return d, refused.Err()
}

// PasswordRules tells which rules the draft's password meets, for the marks (S-021).
func (d Draft) PasswordRules() []passwords.Result {
	return passwords.Check(d.Password, d.about(d.Email))
}

func (d Draft) about(email string) passwords.About {
	return passwords.About{
		Email: head(email, maxNameBytes),
		Names: []string{head(d.GivenName, maxNameBytes), head(d.FamilyName, maxNameBytes)},
	}
}

// resumable is the form of an interaction's id.
var resumable = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func checkCountry(code string) error {
	switch {
	case code == "":
		return fault.New(fault.Invalid, "country", "country.missing")
	case !locale.IsCountry(code):
		return fault.New(fault.Invalid, "country", "country.unknown")
	}
	return nil
}

// romanName gives a name in its kept form. Letters are those of the Latin script, with
// or without accents, and what stands between them in names: space . ' - (S-019).
// Full-width letters, which Japanese keyboards type, become ordinary ones.
func romanName(field, typed string) (string, error) {
	if len(typed) > maxNameBytes || utf8.RuneCountInString(typed) > maxName {
		return "", fault.New(fault.Invalid, field, "name.too_long").With("max", maxName)
	}
	if !utf8.ValidString(typed) {
		return "", fault.New(fault.Invalid, field, "name.roman")
	}
	name := strings.Trim(strings.ReplaceAll(norm.NFKC.String(typed), "’", "'"), " ")
	letters := 0
	for _, r := range name {
		switch {
		case unicode.Is(unicode.Latin, r):
			letters++
		case !strings.ContainsRune(" .'-", r):
			return "", fault.New(fault.Invalid, field, "name.roman")
		}
	}
	switch {
	case name == "":
		return "", fault.New(fault.Invalid, field, "name.missing")
	case letters == 0:
		return "", fault.New(fault.Invalid, field, "name.roman")
	case utf8.RuneCountInString(name) > maxName: // a ligature may have become several letters
		return "", fault.New(fault.Invalid, field, "name.too_long").With("max", maxName)
	}
	return name, nil
}

func head(s string, n int) string { return s[:min(len(s), n)] }
