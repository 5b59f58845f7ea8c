package verbs_test

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"tegata/shared/verbs"
)

// list runs `list` with the arguments over the numbers from one on.
func list(args ...string) (code int, out string) {
	var b bytes.Buffer
	cmd := verbs.List[int]{
		Heads: []string{"NUMBER"}, Number: 2, What: "number",
		Row:  func(n int) []string { return []string{strconv.Itoa(n)} },
		JSON: func(n int) any { return map[string]int{"number": n} },
		Page: func(_ context.Context, after string, n int) (all []int, err error) {
			first, _ := strconv.Atoi(after)
			for i := range n {
				all = append(all, first+i+1)
			}
			return all, nil
		},
	}.Command(&b, &cobra.Command{Use: "list", SilenceErrors: true, SilenceUsage: true})
	cmd.SetErr(&b)
	return verbs.Main(cmd, args), b.String()
}

func TestAListIsPrintedPageByPage(t *testing.T) {
	for args, want := range map[string]string{
		"":                  "NUMBER\n1\n2\n",
		"--after 7":         "NUMBER\n8\n9\n",
		"-n 1 --after=41":   "NUMBER\n42\n",
		"-n 1 --json":       "[\n  {\n    \"number\": 1\n  }\n]\n",
		"--number 3 --json": "[\n  {\n    \"number\": 1\n  },\n  {\n    \"number\": 2\n  },\n  {\n    \"number\": 3\n  }\n]\n",
	} {
		if code, out := list(strings.Fields(args)...); code != verbs.Done || out != want {
			t.Errorf("list %s: code %d, %q, want %q", args, code, out, want)
		}
	}
}

func TestAListOfNothingOrOfTooMuchIsRefused(t *testing.T) {
	for _, args := range [][]string{{"-n", "0"}, {"-n", "-1"}, {"-n", "10001"}, {"one"}} {
		if code, out := list(args...); code != verbs.Wrong {
			t.Errorf("list %v: code %d, %q, want %d", args, code, out, verbs.Wrong)
		}
	}
}

func TestAnEmptyListIsAnEmptyArray(t *testing.T) {
	var b bytes.Buffer
	if err := (verbs.List[int]{}).Show(&b, nil, true); err != nil || b.String() != "[]\n" {
		t.Errorf("%q %v, want []", b.String(), err)
	}
}
