package passwords

import (
	"bufio"
	"flag"
	"os"
	"strings"
	"testing"
)

var commonList = flag.String("common", "", "make common.bloom from this list, most used password first")

const (
	filterStems = 170_000 // 22 bits for each: a false alarm in 50,000 questions
	shortRank   = 20_000  // stems of four or five characters count only from the top of the list
)

// TestCommonFilter makes the filter when it is given the list, and always checks that
// what lies there is one of the right size and density.
func TestCommonFilter(t *testing.T) {
	if *commonList != "" {
		makeFilter(t, *commonList)
		return
	}
	if len(commonFilter) != filterBytes {
		t.Fatalf("common.bloom has %d bytes, want %d", len(commonFilter), filterBytes)
	}
	set := 0
	for i := range len(commonFilter) {
		for b := commonFilter[i]; b != 0; b &= b - 1 {
			set++
		}
	}
	if share := float64(set) / (filterBytes * 8); share < 0.45 || share > 0.55 {
		t.Errorf("%.2f of the bits are set, want about half", share)
	}
}

func makeFilter(t *testing.T, path string) {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	filter, seen := make([]byte, filterBytes), map[string]bool{}
	lines := bufio.NewScanner(f)
	rank := 0
	for ; lines.Scan() && len(seen) < filterStems; rank++ {
		for _, stem := range stems(strings.TrimSpace(lines.Text())) {
			if seen[stem] || useless(stem, rank) {
				continue
			}
			seen[stem] = true
			for _, bit := range probes(stem) {
				filter[bit/8] |= 1 << (bit % 8)
			}
		}
	}
	if err := os.WriteFile("common.bloom", filter, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d stems of the first %d passwords", len(seen), rank)
}

// useless tells of a stem that a password of our length hardly ever leaves.
func useless(stem string, rank int) bool {
	return len(stem) < 6 && rank > shortRank || len(stem) < 8 && keep(stem, digits) == stem
}
