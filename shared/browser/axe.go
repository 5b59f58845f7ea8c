package browser

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// The axe rules we keep: WCAG 2.2 A and AA, and what axe calls good practice; and those
// of them that depend on the colours of the page.
const (
	allRules    = `["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]`
	colourRules = `{type: "rule", values: ["color-contrast", "link-in-text-block"]}`
)

// Axe checks the page at hand with axe-core and fails the test for each violation.
// The script is TEGATA_AXE, or var/tools/axe.min.js of the module; it is put in by
// the DevTools, so the page's content policy stays as it is.
func Axe(t testing.TB, p *Person) {
	t.Helper()
	check(t, p, allRules)
}

// AxeDayAndNight is Axe by day and, as far as colours decide, by night, with a Picture of
// each. The page stays as by day.
func AxeDayAndNight(t testing.TB, p *Person, name string) {
	t.Helper()
	check(t, p.Dark(false), allRules)
	p.Picture(name)
	check(t, p.Dark(true), colourRules)
	p.Picture(name).Dark(false)
}

func check(t testing.TB, p *Person, rules string) {
	t.Helper()
	d, ok := p.driver.(*tab)
	if !ok {
		t.Fatal("axe needs Chromium")
	}
	script, err := axeScript()
	if err != nil {
		t.Fatalf("axe-core is missing (make prepare fetches it): %v", err)
	}
	raw, err := d.axe(script, rules)
	if err != nil {
		t.Fatalf("axe: %v", err)
	}
	found, err := violations(raw)
	if err != nil {
		t.Fatalf("axe: %v", err)
	}
	for _, v := range found {
		t.Errorf("axe at %s (%d px, %s): %s", p.URL(), d.options.Width, d.options.Language, v)
	}
}

// axe runs the script, which a page that was checked before has already. It waits for
// timers, which stand still in a tab without script: so script is on for as long as it runs.
func (d *tab) axe(script, rules string) (string, error) {
	if err := d.do(chromedp.Func(allowScript(true))); err != nil {
		return "", err
	}
	there, err := run(d, chromedp.Evaluate[bool](`typeof axe === "object"`))
	if err == nil && !there {
		_, err = run(d, chromedp.Evaluate[chromedp.Void](script+";void 0"))
	}
	if err != nil {
		return "", err
	}
	raw, err := run(d, chromedp.Evaluate[string](
		`axe.run(document, {runOnly: `+rules+`, resultTypes: ["violations"]}).then(function(r) { return JSON.stringify(r.violations); })`,
		chromedp.EvalAwaitPromise))
	if err != nil {
		return "", err
	}
	return raw, d.do(chromedp.Func(allowScript(d.options.Script)))
}

// axeScript reads the script once.
var axeScript = sync.OnceValues(func() (string, error) {
	path := os.Getenv("TEGATA_AXE")
	if path == "" {
		root, err := moduleRoot()
		if err != nil {
			return "", err
		}
		path = filepath.Join(root, "var", "tools", "axe.min.js")
	}
	raw, err := os.ReadFile(path)
	return string(raw), err
})

// moduleRoot finds the folder with go.mod above the one tests run in.
func moduleRoot() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		up := filepath.Dir(folder)
		if up == folder {
			return "", fmt.Errorf("no go.mod above the working folder")
		}
		folder = up
	}
}

func violations(raw string) ([]string, error) {
	var found []struct {
		ID, Help string
		Nodes    []struct {
			HTML           string
			FailureSummary string
		}
	}
	if err := json.Unmarshal([]byte(raw), &found); err != nil {
		return nil, err
	}
	var lines []string
	for _, v := range found {
		for _, n := range v.Nodes {
			lines = append(lines, fmt.Sprintf("%s: %s\n%s\n%s", v.ID, v.Help, strings.TrimSpace(n.HTML), n.FailureSummary))
		}
	}
	return lines, nil
}
