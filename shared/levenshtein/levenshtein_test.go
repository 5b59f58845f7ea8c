package levenshtein_test

import (
	"testing"

	"tegata/shared/levenshtein"
)

func TestDistanceCountsTheFewestChanges(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"same", "same", 0},
		{"listen", "lisetn", 2}, {"kitten", "sitting", 3}, {"flaw", "lawn", 2},
	} {
		if got := levenshtein.Distance(c.a, c.b); got != c.want {
			t.Errorf("%q to %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
