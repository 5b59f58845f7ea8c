package oidc

import (
	"cmp"
	"slices"

	"tegata/idp/accounts"
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

// personal is every claim about a person that exists here.
var personal = slices.Concat(byScope["profile"], byScope["email"], byScope["address"], byScope["phone"])

// ofScopes gives the claims that the scopes stand for.
func ofScopes(scopes []string) (names []string) {
	for _, scope := range scopes {
		names = append(names, byScope[scope]...)
	}
	return names
}

// everything is all that claims can say about an account. What is not known is left
// out, never null or empty (OIDC Core §5.3.2).
func everything(a accounts.Account) map[string]any {
	all := map[string]any{
		"email_verified": a.EmailVerified(),
		"updated_at":     a.UpdatedAt.Unix(),
	}
	for name, text := range map[string]string{
		"name": a.Name(), "given_name": a.GivenName, "family_name": a.FamilyName, "nickname": a.Nickname,
		"preferred_username": cmp.Or(a.Details.PreferredUsername, a.Username), "email": a.Email, "zoneinfo": a.Zone, "locale": a.Language,
		"middle_name": a.Details.MiddleName, "profile": a.Details.Profile, "picture": a.Details.Picture,
		"website": a.Details.Website, "gender": a.Details.Gender, "birthdate": a.Details.Birthdate, "phone_number": a.Details.PhoneNumber,
	} {
		if text != "" {
			all[name] = text
		}
	}
	if a.Details.PhoneNumber != "" {
		all["phone_number_verified"] = a.PhoneVerifiedAt != nil
	}
	if a.Details.Address != (accounts.Address{}) {
		all["address"] = a.Details.Address
	}
	return all
}

// pick keeps the named claims.
func pick(all map[string]any, names []string) map[string]any {
	some := map[string]any{}
	for _, name := range names {
		if value, ok := all[name]; ok {
			some[name] = value
		}
	}
	return some
}

// about is what userinfo tells: the claims of the scopes and those asked for one by
// one, always with the subject.
func about(a accounts.Account, subject string, scopes, single []string) map[string]any {
	claims := pick(everything(a), slices.Concat(single, ofScopes(scopes)))
	claims["sub"] = subject
	return claims
}
