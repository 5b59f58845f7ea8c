package clients_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tegata/idp/clients"
)

const withWords = `
clients: []
resources:
  - identifier: https://orders.test/
    scopes: [orders.read, orders.write]
    scope_names:
      orders.read: {en: See your orders, ja: 注文の閲覧, fr-CA: Voir vos commandes}
    authorization_details_types: [transfer, standing]
    authorization_details_names:
      transfer: {en: A transfer, ja: 振込}
  - identifier: https://plain.test/
    scopes: [orders.read, plain]
    authorization_details_types: [transfer, standing]
    authorization_details_names: {standing: {en: A standing order}}
`

// resourcesOf reads the resources of a file with that text.
func resourcesOf(t *testing.T, text string) ([]clients.Resource, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clients.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return clients.ReadResources(path, false)
}

func TestWhatScopesAndDetailsMeanInWords(t *testing.T) {
	all, err := resourcesOf(t, withWords)
	if err != nil || len(all) != 2 {
		t.Fatalf("%v, %v", all, err)
	}
	for _, c := range []struct{ scope, lang, resource, name string }{
		{"orders.read", "en", "https://orders.test/", "See your orders"},
		{"orders.read", "ja", "https://orders.test/", "注文の閲覧"},
		{"orders.read", "fr", "https://orders.test/", "Voir vos commandes"},
		{"orders.read", "de", "https://orders.test/", "See your orders"},
		{"orders.write", "en", "https://orders.test/", ""},
		{"plain", "en", "https://plain.test/", ""},
		{"unknown", "en", "", ""},
	} {
		r, name, ok := clients.NameOfScope(all, c.scope, c.lang)
		if r.ID != c.resource || name != c.name || ok != (c.resource != "") {
			t.Errorf("%s in %s: %q at %q (%t), want %q at %q", c.scope, c.lang, name, r.ID, ok, c.name, c.resource)
		}
	}
	for kind, want := range map[string]string{"transfer": "振込", "standing": "A standing order", "unknown": ""} {
		if got := clients.NameOfDetails(all, kind, "ja"); got != want {
			t.Errorf("type %s: %q, want %q", kind, got, want)
		}
	}
}

func TestMistakesOfWords(t *testing.T) {
	for change, want := range map[string]string{
		"orders.read: {en:|orders.raed: {en:":    `resources[0].scope_names: want one of orders.read, orders.write, not "orders.raed"`,
		"transfer: {en:|payment: {en:":           `resources[0].authorization_details_names: want one of transfer, standing, not "payment"`,
		"{en: A transfer, ja: 振込}|{ja: 振込}":      "resources[0].authorization_details_names.transfer.en: want the name",
		"{en: A transfer, ja: 振込}|{}":            "resources[0].authorization_details_names.transfer.en: want the name",
		"ja: 振込|j_a: 振込":                         `resources[0].authorization_details_names.transfer: want languages like en and ja, not "j_a"`,
		"ja: 振込|ja: \"\"":                        "resources[0].authorization_details_names.transfer.ja: want a text",
		"ja: 振込|ja: \" x\"":                      "resources[0].authorization_details_names.transfer.ja: want a text",
		"ja: 振込|ja: \"a\\u202eb\"":               "resources[0].authorization_details_names.transfer.ja: want a text",
		"ja: 振込|ja: " + strings.Repeat("x", 121): "resources[0].authorization_details_names.transfer.ja: want a text",
		"{en: A transfer, ja: 振込}|A transfer":    "resources[0].authorization_details_names",
		"scope_names:|scopes_names:":             "resources[0].scopes_names: unknown key",
	} {
		was, is, _ := strings.Cut(change, "|")
		text := strings.Replace(withWords, was, is, 1)
		if _, err := resourcesOf(t, text); text == withWords || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", change, err, want)
		}
	}
}
