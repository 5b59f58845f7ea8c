package clients_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"tegata/idp/clients"
)

// The file that is shipped is the manual of its keys.
func TestTheShippedFileDescribesEveryMember(t *testing.T) {
	text, err := os.ReadFile("../../configs/clients.yaml")
	must(t, err)
	for _, kind := range []reflect.Type{reflect.TypeFor[clients.Client](), reflect.TypeFor[clients.Resource](), reflect.TypeFor[clients.TokenExchange](), reflect.TypeFor[clients.AssertionIssuer]()} {
		for i := range kind.NumField() {
			name, _, _ := strings.Cut(kind.Field(i).Tag.Get("json"), ",")
			if name == "-" || name == "client_secret_old_until" { // ours: `client rotate-secret` writes it
				continue
			}
			if !regexp.MustCompile(`\b` + name + `\b`).Match(text) {
				t.Errorf("%s: configs/clients.yaml does not have %s", kind.Name(), name)
			}
		}
	}
}
