package verbs_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"tegata/shared/verbs"
)

func TestTablesCannotBeMovedByWhatStrangersTyped(t *testing.T) {
	var out bytes.Buffer
	err := verbs.Table(&out, []string{"NAME", "STATE"}, [][]string{{"山田\x1b[2J\n太郎\u202e", "active"}, {"Ada", "pending"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.ContainsAny(got, "\x1b\u202e") || strings.Count(got, "\n") != 3 || !strings.Contains(got, "山田?[2J?太郎?") {
		t.Errorf("got %q, want three lines without control characters", got)
	}
}

func TestFactsLeaveOutWhatIsEmpty(t *testing.T) {
	var out bytes.Buffer
	if err := verbs.Facts(&out, [2]string{"id", "1"}, [2]string{"nickname", ""}); err != nil || out.String() != "id  1\n" {
		t.Errorf("got %q %v", out.String(), err)
	}
}

func TestTimesAreShownInUTC(t *testing.T) {
	at := time.Date(2026, 11, 21, 21, 0, 0, 0, time.FixedZone("JST", 9*3600))
	if got := verbs.Time(&at); got != "2026-11-21 12:00:00Z" {
		t.Errorf("got %s", got)
	}
	if verbs.Time(nil) != "" || verbs.Time(&time.Time{}) != "" {
		t.Error("no time is not empty")
	}
}
