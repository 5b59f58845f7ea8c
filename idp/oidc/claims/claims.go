// Package claims is what relying parties may learn about a person: which claims there are,
// which a scope stands for, and how a client asks for single ones. OIDC Core §5.
//
//	claims.go     the claims of an account, as a Set that is written in order
//	parameter.go  the claims parameter of a request
//
// A claim that is asked for one by one counts as the scope that carries it where it is
// decided who may have it; whether a client may have that is decided before: here nobody
// is asked.
package claims

import (
	"cmp"
	"slices"

	"tegata/idp/accounts"
	"tegata/idp/oidc/object"
)

// byScope is which claims a scope stands for. OIDC Core §5.4.
var byScope = map[string][]string{
	"profile": {
		"name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture", "website",
		"gender", "birthdate", "zoneinfo", "locale", "updated_at",
	},
	"email":   {"email", "email_verified"},
	"address": {"address"},
	"phone":   {"phone_number", "phone_number_verified"},
}

// Personal is every claim about a person that exists here.
var Personal = slices.Concat(byScope["profile"], byScope["email"], byScope["address"], byScope["phone"])

// OfScopes gives the claims that the scopes stand for.
func OfScopes(scopes []string) (names []string) {
	for _, scope := range scopes {
		names = append(names, byScope[scope]...)
	}
	return names
}

// ScopesOf gives the scopes that carry the claims, each once, in the order of the claims;
// one that no scope carries has none.
func ScopesOf(names []string) (scopes []string) {
	for _, name := range names {
		if scope := scopeOf(name); scope != "" && !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	return scopes
}

// WithCarriers adds the scopes that carry the claims to the scopes that were granted.
func WithCarriers(scopes, names []string) []string {
	all := slices.Clip(scopes)
	for _, carrier := range ScopesOf(names) {
		if !slices.Contains(scopes, carrier) {
			all = append(all, carrier)
		}
	}
	return all
}

// Carried gives those of the claims that one of the scopes carries, or none at all.
func Carried(names, scopes []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		scope := scopeOf(name)
		return scope != "" && !slices.Contains(scopes, scope)
	})
}

func scopeOf(name string) string {
	for scope, names := range byScope {
		if slices.Contains(names, name) {
			return scope
		}
	}
	return ""
}

// claimOf gives what we know of an account under that name; ok is false for what is not
// known, which is left out of answers, never null or empty (OIDC Core §5.3.2).
func claimOf(a *accounts.Account, name string) (value any, ok bool) {
	switch name {
	case "email_verified":
		return a.EmailVerified(), true
	case "updated_at":
		return a.UpdatedAt.Unix(), true
	case "phone_number_verified":
		return a.PhoneVerifiedAt != nil, a.Details.PhoneNumber != ""
	case "address":
		return a.Details.Address, a.Details.Address != (accounts.Address{})
	}
	text := textClaim(a, name)
	return text, text != ""
}

// textClaim is claimOf for those whose value is a text, "" when it is not known.
func textClaim(a *accounts.Account, name string) string {
	switch name {
	case "name":
		return a.Name()
	case "given_name":
		return a.GivenName
	case "family_name":
		return a.FamilyName
	case "middle_name":
		return a.Details.MiddleName
	case "nickname":
		return a.Nickname
	case "preferred_username":
		return cmp.Or(a.Details.PreferredUsername, a.Username)
	case "profile":
		return a.Details.Profile
	case "picture":
		return a.Details.Picture
	case "website":
		return a.Details.Website
	case "gender":
		return a.Details.Gender
	case "birthdate":
		return a.Details.Birthdate
	case "zoneinfo":
		return a.Zone
	case "locale":
		return a.Language
	case "email":
		return a.Email
	case "phone_number":
		return a.Details.PhoneNumber
	}
	return ""
}

// Set is a JWT Claims Set (RFC 7519 §4), or what userinfo tells as plain JSON, in
// the order in which it is written. No name is there twice.
type Set []Member

// Member is one claim: its value is written as JSON, in the ways of package object.
type Member struct {
	Name  string
	Value any
}

// Members writes the claims into an object.
func (c Set) Members(w *object.Writer) {
	for _, one := range c {
		w.Value(one.Name, one.Value)
	}
}

// Pick adds the named claims about an account, those that are known and not there yet.
func (c Set) Pick(a *accounts.Account, names []string) Set {
	for _, name := range names {
		if slices.ContainsFunc(c, func(m Member) bool { return m.Name == name }) {
			continue
		}
		if value, ok := claimOf(a, name); ok {
			c = append(c, Member{name, value})
		}
	}
	return c
}

// About is what userinfo tells: the claims of the scopes and those asked for one by
// one, always with the subject.
func About(a *accounts.Account, subject string, scopes, single []string) Set {
	claims := append(make(Set, 0, 20), Member{"sub", subject}).Pick(a, single)
	for _, scope := range scopes {
		claims = claims.Pick(a, byScope[scope])
	}
	return claims
}
