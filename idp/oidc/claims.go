package oidc

import (
	"slices"

	"tegata/idp/accounts"
)

// byScope is which claims a scope stands for. OIDC Core §5.4. Of the claims of
// profile we know those; middle_name, profile, picture, website, gender and birthdate
// are not asked of anybody here.
var byScope = map[string][]string{
	"profile": {"name", "given_name", "family_name", "nickname", "preferred_username", "zoneinfo", "locale", "updated_at"},
	"email":   {"email", "email_verified"},
}

// personal is every claim about a person that exists here.
var personal = slices.Concat(byScope["profile"], byScope["email"])

// everything is all that claims can say about an account. What is not known is left
// out, never null or empty (OIDC Core §5.3.2).
func everything(a accounts.Account) map[string]any {
	all := map[string]any{
		"email_verified": a.EmailVerified(),
		"updated_at":     a.UpdatedAt.Unix(),
	}
	for name, text := range map[string]string{
		"name": a.Name(), "given_name": a.GivenName, "family_name": a.FamilyName, "nickname": a.Nickname,
		"preferred_username": a.Username, "email": a.Email, "zoneinfo": a.Zone, "locale": a.Language,
	} {
		if text != "" {
			all[name] = text
		}
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
	names := slices.Clone(single)
	for _, scope := range scopes {
		names = append(names, byScope[scope]...)
	}
	claims := pick(everything(a), names)
	claims["sub"] = subject
	return claims
}
