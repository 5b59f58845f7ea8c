package target_test

import (
	"errors"
	"strings"
	"testing"

	"tegata/idp/clients"
	"tegata/idp/oidc/target"
	"tegata/idp/oidc/wire"
)

// What a person approves has to be what is granted: details that two readers understand
// differently, or that do not show, are refused before anybody is asked. RFC 9396 §5,
// RFC 8259 §4, Unicode TR 36 §2.5.
func TestDetailsThatCannotBeShownAsTheyAreAreRefused(t *testing.T) {
	client := &clients.Client{ID: "shop", DetailTypes: []string{"transfer", "payment"}}
	for name, object := range map[string]string{
		"the type twice":              `{"type":"payment","type":"transfer"}`,
		"a member twice":              `{"type":"transfer","amount":"1","amount":"1000"}`,
		"twice below":                 `{"type":"transfer","to":[{"iban":"A","iban":"B"}]}`,
		"twice, once escaped":         `{"type":"transfer","amount":"1","\u0061mount":"1000"}`,
		"no name":                     `{"":{"type":"harmless"},"type":"transfer"}`,
		"no name below":               `{"type":"transfer","to":{"":"A"}}`,
		"a name that runs backwards":  `{"type":"transfer","a\u202emount":"1"}`,
		"a name with a line end":      `{"type":"transfer","a\nb":"1"}`,
		"a value that runs backwards": `{"type":"transfer","to":"A\u202e0001 RUE"}`,
		"an isolate in a list":        `{"type":"transfer","to":["A\u2066"]}`,
		"what does not show":          `{"type":"transfer","to":"A\u200b"}`,
		"a filler":                    `{"type":"transfer","to":"A\u3164"}`,
		"a control character":         `{"type":"transfer","to":"A\u0007"}`,
		"a line separator":            `{"type":"transfer","to":"A\u2028B"}`,
		"broken UTF-8":                "{\"type\":\"transfer\",\"to\":\"A\xff\"}",
	} {
		if got, err := (&target.Finder{}).Details(t.Context(), client, "["+object+"]"); code(err) != "invalid_authorization_details" {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	for _, good := range []string{`{"note":"two\nlines\tand more","type":"transfer"}`, `{"type":"transfer","金額":"一万円"}`, `{"type":"transfer","x":[{"a":1},{"a":2}]}`} {
		if got, err := (&target.Finder{}).Details(t.Context(), client, "["+good+"]"); err != nil || len(got) != 1 || string(got[0]) != good {
			t.Errorf("%s: %s, %v", good, got, err)
		}
	}
}

// Each refusal says what is wrong, to the client and in the doctor. RFC 9396 §5.
func TestRefusedDetailsAreToldApart(t *testing.T) {
	client := &clients.Client{ID: "shop", DetailTypes: []string{"transfer"}}
	for text, want := range map[string]string{
		`x`: "list of objects", `[]`: "list of objects", `[{}]`: "list of objects", `[{"type":1}]`: "list of objects", `[1]`: "list of objects",
		`[` + strings.Repeat(`{"type":"transfer"},`, 16) + `{"type":"transfer"}]`: "too many",
		`[{"type":"other"}]`:                      "not registered",
		`[{"type":"transfer","type":"transfer"}]`: "twice",
		`[{"type":"transfer","a\u202e":1}]`:       "do not show",
	} {
		_, err := (&target.Finder{}).Details(t.Context(), client, text)
		if code(err) != "invalid_authorization_details" || !strings.Contains(wire.RefusalOf(err).Why, want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func code(err error) string {
	var refused *wire.Refusal
	if !errors.As(err, &refused) {
		return ""
	}
	return refused.Code
}
