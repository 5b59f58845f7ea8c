package verbs_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"tegata/shared/verbs"
)

func TestTextsAreBrokenBetweenWordsAndWithinLongOnes(t *testing.T) {
	for text, want := range map[string][]string{
		"":                       nil,
		"one two three":          {"one two", "three"},
		"one two  thr":           {"one two", "thr"},
		"12345678":               {"12345678"},
		"a 123456789abcdefghi b": {"a", "12345678", "9abcdefg", "hi b"},
		"なまえは山田です":               {"なまえは", "山田です"}, // two columns each: UAX 11
		"名前 山田":                  {"名前", "山田"},
	} {
		if got := verbs.Wrap(text, 8); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestLinesStandBelowTheirRows(t *testing.T) {
	var out bytes.Buffer
	err := verbs.Annotated(&out, []string{"AT", "WHAT"}, [][]string{{"1", "a"}, {"22", ""}}, [][]string{{"x\x1b[2J", "y"}, nil})
	if want := "AT  WHAT\n1   a\n    x?[2J\n    y\n22\n"; err != nil || out.String() != want {
		t.Errorf("%q %v, want %q", out.String(), err, want)
	}
	out.Reset()
	if err := verbs.Annotated(&out, []string{"AT"}, nil, nil); err != nil || strings.TrimSpace(out.String()) != "AT" {
		t.Errorf("no rows: %q %v", out.String(), err)
	}
}
