package programtest

import (
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	shownMetric = regexp.MustCompile(`(?m)^# TYPE (\S+) `)
	toldMetric  = regexp.MustCompile("(?m)^\\| `([a-z_]+)[`{][^|]*\\| (both|idp|tracker) \\|")
)

// Metrics fails the test unless what a program shows at that address is what the list for
// operators (shared/observe/README.md) says of it, by name, and no name is without our
// prefix but those of Go and the process. It gives what was shown.
func Metrics(t testing.TB, program, address string) string {
	t.Helper()
	answer, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadFile(Root("shared/observe/README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var shown, told []string
	for _, m := range shownMetric.FindAllStringSubmatch(string(body), -1) {
		if !strings.HasPrefix(m[1], "go_") && !strings.HasPrefix(m[1], "process_") {
			shown = append(shown, m[1])
		}
	}
	for _, m := range toldMetric.FindAllStringSubmatch(string(list), -1) {
		if m[2] == "both" || m[2] == program {
			told = append(told, m[1])
		}
	}
	for _, name := range shown {
		if !slices.Contains(told, name) || !strings.HasPrefix(name, "tegata_") {
			t.Errorf("%s shows %s, which the list does not tell, or which lacks our prefix", program, name)
		}
	}
	for _, name := range told {
		if !slices.Contains(shown, name) {
			t.Errorf("the list tells %s, which %s does not show", name, program)
		}
	}
	return string(body)
}
