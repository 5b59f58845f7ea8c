package web

import (
	"reflect"
	"strings"
	"testing"
)

// lines is a detail as it reads on the page, "…" for what has nothing in it, "∅" for null; names that
// are shown letter by letter begin with "=".
func lines(all []detail) (text []string) {
	called := func(n name) string {
		if n.Exact {
			return "=" + n.Text
		}
		return n.Text
	}
	for _, d := range all {
		text = append(text, "["+called(d.Type)+"]")
		for _, m := range d.Members {
			var values []string
			for _, v := range m.Values {
				switch {
				case v.Empty:
					v.Text = "…"
				case v.Null:
					v.Text = "∅"
				}
				values = append(values, v.Text)
			}
			text = append(text, called(m.Name)+" = "+strings.Join(values, " | "))
		}
	}
	return text
}

// Authorization details are shown whole, in the order in which they came, and no two that
// differ look the same; nothing is shown of what is no list of objects (RFC 9396 §2, §6).
func TestDetailsOfARequestInWords(t *testing.T) {
	for _, c := range []struct {
		name, list string
		want       []string
	}{
		{"a payment", `[{"instructedAmount":{"currency":"JPY","amount":12500.00},"type":"bank_transfer","final":true,"note":null}]`,
			[]string{"[bank transfer]", "instructed amount: currency = JPY", "instructed amount: amount = 12500.00", "final = true", "note = ∅"}},
		{"lists", `[{"type":"a","actions":["read, write","delete"],"at":[{"x":1,"y":2},{"x":3}]},{"type":"b"}]`,
			[]string{"[a]", "actions = read, write | delete", "at #1: x = 1", "at #1: y = 2", "at #2: x = 3", "[b]"}},
		{"lists in lists", `[{"type":"a","at":[["x","y"],"z"]}]`, []string{"[a]", "at #1 = x | y", "at #2 = z"}},
		{"a member that is there twice", `[{"type":"a","sum":1,"sum":1000}]`, []string{"[a]", "sum = 1", "sum = 1000"}},
		{"an inner type", `[{"type":"a","of":{"type":"b"}}]`, []string{"[a]", "of: type = b"}},
		{"a type in a member without a name", `[{"":{"type":"harmless"},"type":"a"}]`, []string{"[a]", `="": type = harmless`}},
		{"an object as the type", `[{"type":{"x":"a"}}]`, []string{"[=]", "type: x = a"}},
		{"names that would read the same", `[{"type":"a","instructedAmount":"1","instructed_amount":"1000","Sum":1,"sum":2}]`,
			[]string{"[a]", "=instructedAmount = 1", "=instructed_amount = 1000", "=Sum = 1", "=sum = 2"}},
		{"names that look like ways", `[{"type":"a","of: x":"1","of":{"x":"2"},"at #1":3,"to ":4}]`,
			[]string{"[a]", `="of: x" = 1`, "of: x = 2", `="at #1" = 3`, `="to " = 4`}},
		{"what has nothing in it", `[{"type":"a","accounts":[],"all_accounts":{},"at":[{},1],"text":""}]`,
			[]string{"[a]", "accounts = …", "all accounts = …", "at #1 = …", "at #2 = 1", `text = ""`}},
		{"characters that do not show", "[{\"type\":\"a\",\"to\":\"A\\u202e0001 RUE\",\"note\":\"x\\ny\\u200b\",\"a\\u202eb\":1}]",
			[]string{"[a]", "to = A[U+202E]0001 RUE", "note = x↵y[U+200B]", `="a\u202eb" = 1`}},
		{"nothing, and what reads like it", `[{"type":"a","w":[null,"–","null","No value (null)","","\"\"","\"x\""]}]`,
			[]string{"[a]", "w = ∅ | – | \"null\" | \"No value (null)\" | \"\" | \"\"\"\" | \"\"x\"\""}},
		{"blanks", "[{\"type\":\"a\",\"to\":[\"a b\",\"a  b\",\" a\",\"a \",\" \",\"a\u00a0b\",\"山田\u3000花子\",\"a\u3000 b\",\"a\\n b\"]}]",
			[]string{"[a]", "to = a b | a␣␣b | ␣a | a␣ | ␣ | a[U+00A0]b | 山田\u3000花子 | a[U+3000]␣b | a↵␣b"}},
		{"signs that are text", `[{"type":"a","to":["a↵b","a␣b","a[U+0020]b","a[b]"]}]`,
			[]string{"[a]", "to = a[U+21B5]b | a[U+2423]b | a[U+005B]U+0020]b | a[b]"}},
		{"types that would read the same", `[{"type":"pay_in"},{"type":"payIn"},{"type":"b"},{"type":"b"}]`, []string{"[=pay_in]", "[=payIn]", "[b]", "[b]"}},
		{"a type that is an address", `[{"type":"https://pay.example/v_1"}]`, []string{"[=https://pay.example/v_1]"}},
		{"nothing", ``, nil},
		{"an object", `{"type":"a"}`, nil},
	} {
		if got := lines(detailsOf(c.list)); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
