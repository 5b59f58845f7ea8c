package web_test

import (
	"testing"

	"tegata/idp/notify"
	"tegata/idp/web"
	"tegata/shared/locale"
	"tegata/shared/page"
)

// internal are keys of refusals that no person meets as they are: services turn them
// into others, or the general sentence of their kind is enough.
var internal = []string{
	"once.", "db.", "outbox.", "text.", "client.", "conflict", "not_found", "busy",
	"device.denied", "device.over_row", "oidc.unknown_resource", "oidc.token_over", "oidc.grant_over", "oidc.session_over", "oidc.unknown_token",
	"keys.device_away", // from shared/program, to verbs
}

// TestEverySentenceIsThereInEveryLanguage: S-013.
func TestEverySentenceIsThereInEveryLanguage(t *testing.T) {
	catalog, err := locale.Load(append(append(web.Locales(), page.Locales()), notify.Locales())...)
	if err != nil {
		t.Fatal(err)
	}
	locale.Check(t, catalog, locale.Sources{
		Folders: []string{"..", "../../shared"},
		Ignore:  internal,
		Fixed:   []string{"field.given_name", "field.family_name"}, // S-017
	})
}
