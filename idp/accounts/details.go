package accounts

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tegata/shared/fault"
)

// Details is what a person may tell and nobody has to: the rest of the claims of OIDC
// Core §5.1. "" is not told.
type Details struct {
	MiddleName        string  `yaml:"middle_name" json:"middle_name,omitempty"`
	PreferredUsername string  `yaml:"preferred_username" json:"preferred_username,omitempty"`
	Profile           string  `yaml:"profile" json:"profile,omitempty"` // URL, like the next two
	Picture           string  `yaml:"picture" json:"picture,omitempty"`
	Website           string  `yaml:"website" json:"website,omitempty"`
	Gender            string  `yaml:"gender" json:"gender,omitempty"`
	Birthdate         string  `yaml:"birthdate" json:"birthdate,omitempty"` // YYYY-MM-DD, YYYY, or 0000-MM-DD
	Zone              string  `yaml:"zoneinfo" json:"zoneinfo,omitempty"`   // only to set Account.Zone
	PhoneNumber       string  `yaml:"phone_number" json:"phone_number,omitempty"`
	PhoneVerified     bool    `yaml:"phone_number_verified" json:"phone_number_verified,omitempty"`
	Address           Address `yaml:"address" json:"address,omitzero"`
}

// Address is a postal address. OIDC Core §5.1.1.
type Address struct {
	Formatted     string `yaml:"formatted" json:"formatted,omitempty"`
	StreetAddress string `yaml:"street_address" json:"street_address,omitempty"`
	Locality      string `yaml:"locality" json:"locality,omitempty"`
	Region        string `yaml:"region" json:"region,omitempty"`
	PostalCode    string `yaml:"postal_code" json:"postal_code,omitempty"`
	Country       string `yaml:"country" json:"country,omitempty"`
}

// maxDetail is how many code points one of the texts may have.
const maxDetail = 256

// birthdate is OIDC Core §5.1: a day, a year alone, or a day without its year.
var birthdate = regexp.MustCompile(`^[0-9]{4}(-[0-9]{2}-[0-9]{2})?$`)

// phone is E.164, with the spaces and the extension that OIDC Core §5.1 shows.
var phone = regexp.MustCompile(`^\+[0-9][0-9 ()-]{4,24}[0-9](;ext=[0-9]{1,8})?$`)

// Check gives every mistake as fault.Fields, each with the field it is about.
func (d Details) Check() error {
	var refused fault.Fields
	for _, f := range []struct{ name, text string }{
		{"middle_name", d.MiddleName}, {"preferred_username", d.PreferredUsername}, {"gender", d.Gender},
		{"address.formatted", strings.ReplaceAll(d.Address.Formatted, "\n", " ")}, // its lines
		{"address.street_address", strings.ReplaceAll(d.Address.StreetAddress, "\n", " ")},
		{"address.locality", d.Address.Locality}, {"address.region", d.Address.Region},
		{"address.postal_code", d.Address.PostalCode}, {"address.country", d.Address.Country},
	} {
		refused.Add(checkText(f.name, f.text))
	}
	for _, f := range []struct{ name, text string }{{"profile", d.Profile}, {"picture", d.Picture}, {"website", d.Website}} {
		refused.Add(checkWebPage(f.name, f.text))
	}
	if d.Birthdate != "" && !isBirthdate(d.Birthdate) {
		refused.Add(fault.New(fault.Invalid, "birthdate", "details.birthdate"))
	}
	if _, err := time.LoadLocation(d.Zone); err != nil || d.Zone == "Local" {
		refused.Add(fault.New(fault.Invalid, "zoneinfo", "details.zone"))
	}
	if d.PhoneNumber != "" && !phone.MatchString(d.PhoneNumber) || d.PhoneNumber == "" && d.PhoneVerified {
		refused.Add(fault.New(fault.Invalid, "phone_number", "details.phone"))
	}
	return refused.Err()
}

func checkText(field, text string) error {
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) || utf8.RuneCountInString(text) > maxDetail {
		return fault.New(fault.Invalid, field, "details.text").With("max", maxDetail)
	}
	return nil
}

func checkWebPage(field, text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || len(text) > 2048 {
		return fault.New(fault.Invalid, field, "details.url")
	}
	return nil
}

func isBirthdate(text string) bool {
	if !birthdate.MatchString(text) {
		return false
	}
	if len(text) == 4 {
		return true
	}
	day := text
	if strings.HasPrefix(text, "0000") {
		day = "2000" + text[4:] // a year that has a 29th of February
	}
	_, err := time.Parse(time.DateOnly, day)
	return err == nil
}

// encode gives the address as its column keeps it.
func (a Address) encode() string {
	if a == (Address{}) {
		return ""
	}
	b, err := json.Marshal(a)
	if err != nil {
		panic(err) // texts
	}
	return string(b)
}

// decodeAddress reads what encode wrote.
func decodeAddress(text string) (a Address, err error) {
	if text == "" {
		return a, nil
	}
	return a, json.Unmarshal([]byte(text), &a)
}
