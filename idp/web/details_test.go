package web

import (
	"reflect"
	"testing"
)

// Authorization details are shown whole, in the order in which they came, and nothing
// is shown of what is no list of objects (RFC 9396 §2).
func TestDetailsOfARequestInWords(t *testing.T) {
	for _, c := range []struct {
		name, list string
		want       []detail
	}{
		{"a payment", `[{"instructedAmount":{"currency":"JPY","amount":12500.00},"type":"bank_transfer","final":true,"note":null}]`, []detail{{"bank transfer", []member{
			{"instructed amount: currency", "JPY"}, {"instructed amount: amount", "12500.00"}, {"final", "true"}, {"note", "–"}}}}},
		{"lists", `[{"type":"a","actions":["read","write"],"at":[{"x":1},{"x":2}]},{"type":"b"}]`, []detail{
			{"a", []member{{"actions", "read, write"}, {"at: x", "1, 2"}}}, {Type: "b"}}},
		{"a member that is there twice", `[{"type":"a","sum":1,"sum":1000}]`, []detail{{"a", []member{{"sum", "1, 1000"}}}}},
		{"an inner type", `[{"type":"a","of":{"type":"b"}}]`, []detail{{"a", []member{{"of: type", "b"}}}}},
		{"nothing", ``, nil},
		{"an object", `{"type":"a"}`, nil},
	} {
		if got := detailsOf(c.list); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
