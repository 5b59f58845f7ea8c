package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// report is what -json prints, as far as these tests look.
type report struct {
	Tables []struct {
		Name string
		Says []string
		Rows []struct {
			Line       string
			PerSecond  float64
			Multiple   float64
			Value      float64
			Errors     int
			FirstError string
			Aims       []struct{ Name string }
		}
	}
}

// programs builds load and idp once.
var programs = sync.OnceValues(func() (folder string, err error) {
	if folder, err = os.MkdirTemp("", "load"); err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-o", folder+"/", ".", "../../../idp").CombinedOutput()
	if err != nil {
		return folder, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return folder, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if folder, _ := programs(); folder != "" {
		os.RemoveAll(folder)
	}
	os.Exit(code)
}

// load runs the program for a moment.
func load(t *testing.T, args ...string) (r report) {
	t.Helper()
	folder, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TEGATA_IDP_HASHING_MEMORY_MIB", "8")
	cmd := exec.Command(folder+"/load", append(args, "-json", "-binary", folder+"/idp")...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &said)
	}
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, table := range r.Tables {
		for _, row := range table.Rows {
			if row.Errors > 0 {
				t.Errorf("%s: %s: %d errors, first: %s", table.Name, row.Line, row.Errors, row.FirstError)
			}
			if row.PerSecond == 0 && row.Value == 0 {
				t.Errorf("%s: %s has no figure", table.Name, row.Line)
			}
		}
	}
	return r
}

func TestEveryLineIsMeasuredWithoutAnError(t *testing.T) {
	r := load(t, "-only", "sqlite,memory,start", "-each", "120ms", "-callers", "4", "-many", "8", "-sessions", "40")
	want := []string{
		"discovery", "JWKS", "client_credentials", "signed-in code flow", "refresh", "userinfo", "introspection",
		"client_credentials, private_key_jwt", "mix", "fixed answer",
	}
	if len(r.Tables) != 5 {
		t.Fatalf("%d tables, want 5", len(r.Tables))
	}
	for _, table := range r.Tables[:3] {
		seen := map[string]bool{}
		for _, row := range table.Rows {
			seen[row.Line] = true
			if table.Name == r.Tables[0].Name && row.Line != "fixed answer" && !strings.HasPrefix(row.Line, "mix, ") && row.Multiple <= 0 {
				t.Errorf("%s: %s is not told as a multiple of the fixed answer", table.Name, row.Line)
			}
		}
		for _, name := range want {
			if fixed := name == "fixed answer"; !seen[name] && !(fixed && strings.Contains(table.Name, "at once")) {
				t.Errorf("%s has no line %q", table.Name, name)
			}
		}
	}
}

func TestPasswordLogInsAreToldApartFromTheRestOfTheMix(t *testing.T) {
	r := load(t, "-only", "sqlite", "-lines", "^(mix|discovery)$", "-each", "600ms", "-callers", "4", "-many", "0")
	if len(r.Tables) != 2 {
		t.Fatalf("%d tables, want 2: none where nobody calls", len(r.Tables))
	}
	for i, table := range r.Tables {
		rate := map[string]float64{}
		for _, row := range table.Rows {
			rate[row.Line] = row.PerSecond
			if aims := len(row.Aims); i == 1 && (aims > 0) != (row.Line == "mix, without passwords" || row.Line == "discovery") {
				t.Errorf("%s: %s has %d aims", table.Name, row.Line, aims)
			}
		}
		parts := rate["mix, without passwords"] + rate["mix, password log-ins"]
		if rate["mix, password log-ins"] == 0 || math.Abs(parts-rate["mix"]) > 0.01*parts {
			t.Errorf("%s: %v, want the mix in two parts", table.Name, rate)
		}
		if len(table.Says) != 1 || !strings.Contains(table.Says[0], "Argon2id") {
			t.Errorf("%s says %q, want why log-ins have no aim", table.Name, table.Says)
		}
	}
}

func TestBuildsAreComparedInTurns(t *testing.T) {
	folder, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	other := t.TempDir() + "/other"
	if err := os.Symlink(folder+"/idp", other); err != nil {
		t.Fatal(err)
	}
	r := load(t, "-against", folder+"/idp,"+other, "-each", "500ms", "-callers", "2", "-lines", "JWKS|code flow")
	if len(r.Tables) != 1 {
		t.Fatalf("%d tables, want 1", len(r.Tables))
	}
	var all []string
	for _, row := range r.Tables[0].Rows {
		all = append(all, row.Line)
		if strings.HasPrefix(row.Line, "  ") && (row.Value < 10 || row.Value > 1000) {
			t.Errorf("%s: %.0f %% of the CPU of the same program", row.Line, row.Value)
		}
	}
	if got, want := strings.Join(all, "\n"), "idp, JWKS\nother, JWKS\n  beside idp\nidp, signed-in code flow\nother, signed-in code flow\n  beside idp"; got != want {
		t.Errorf("rows:\n%s\nwant:\n%s", got, want)
	}
}

func TestTheSoakWatchesMemoryAndGoroutines(t *testing.T) {
	r := load(t, "-soak", "3s", "-each", "500ms")
	if len(r.Tables) != 1 {
		t.Fatalf("%d tables, want 1", len(r.Tables))
	}
	var all []string
	for _, row := range r.Tables[0].Rows {
		all = append(all, row.Line)
	}
	for _, name := range []string{"after 3s", "mix", "memory, highest", "memory, median of the second half", "goroutines left", "mix, without passwords"} {
		if !strings.Contains(strings.Join(all, "\n")+"\n", name+"\n") {
			t.Errorf("no line %q in %q", name, all)
		}
	}
}
