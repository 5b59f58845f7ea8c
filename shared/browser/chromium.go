package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// defaultWidth and height are the window in CSS pixels.
const (
	defaultWidth = 1280
	height       = 800
)

// Chromium gives a person with a tab of the one Chromium of this test binary. Errors
// on the page's console and breaches of its content policy fail the test at its end.
// Without Chromium the test is skipped, loudly; on CI it fails.
func Chromium(t testing.TB, o Options) *Person {
	t.Helper()
	parent, err := started()
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no Chromium: %v", err)
		}
		t.Skipf("NOT RUN, no Chromium on this machine (apt install chromium): %v", err)
	}
	ctx, cancel := chromedp.NewContext(parent, chromedp.WithNewBrowserContext())
	d := &tab{ctx: ctx, options: o, dark: o.Dark}
	if err := d.open(); err != nil {
		cancel()
		t.Fatalf("open a tab: %v", err)
	}
	t.Cleanup(func() {
		cancel()
		for _, complaint := range d.complaints() {
			t.Errorf("the browser complains: %s", complaint)
		}
	})
	return &Person{Base: o.Base, t: t, driver: d, patience: goesOnWithin}
}

// started starts Chromium when the first person needs it. It ends with the test
// binary (the kernel kills it), so its profile is removed by the next one.
var started = sync.OnceValues(func() (context.Context, error) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return nil, err
	}
	profile, err := freshProfile()
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.WSURLReadTimeout(time.Minute),
		chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("lang", "en"),
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.Flag("no-sandbox", true)) // it refuses to run as root with one
	}
	allocator, _ := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, _ := chromedp.NewContext(allocator)
	return ctx, chromedp.Do(ctx)
})

const profilePrefix = "tegata-chromium-"

// freshProfile gives an empty folder and removes those that old runs left behind.
func freshProfile() (string, error) {
	old, err := filepath.Glob(filepath.Join(os.TempDir(), profilePrefix+"*"))
	if err != nil {
		return "", err
	}
	for _, folder := range old {
		if info, err := os.Stat(folder); err == nil && time.Since(info.ModTime()) > time.Hour {
			os.RemoveAll(folder)
		}
	}
	return os.MkdirTemp("", profilePrefix)
}

// open makes the tab what the options say.
func (d *tab) open() error {
	if d.options.Width == 0 {
		d.options.Width = defaultWidth
	}
	viewport := []chromedp.EmulateViewportOption{}
	if d.options.Width < 600 {
		viewport = append(viewport, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	if err := chromedp.Do(d.ctx, chromedp.EmulateViewport(int64(d.options.Width), height, viewport...)); err != nil {
		return err
	}
	if err := chromedp.Listen(d.ctx, d.hear); err != nil {
		return err
	}
	return chromedp.Do(d.ctx, chromedp.Func(d.emulate))
}

func (d *tab) emulate(ctx context.Context, t *chromedp.Target) error {
	if err := allowScript(d.options.Script)(ctx, t); err != nil {
		return err
	}
	if err := d.colours(ctx, t); err != nil {
		return err
	}
	if d.options.Insecure {
		if err := ignoreCertificates(ctx, t); err != nil {
			return err
		}
	}
	if d.options.Language == "" {
		return nil
	}
	_, err := cdp.Call(ctx, t, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": d.options.Language}})
	return err
}

func allowScript(on bool) func(context.Context, *chromedp.Target) error {
	return func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
		return err
	}
}

func (d *tab) colours(ctx context.Context, t *chromedp.Target) error {
	scheme := "light"
	if d.dark {
		scheme = "dark"
	}
	_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme},
		{Name: "prefers-reduced-motion", Value: "reduce"}, // pictures and clicks do not meet half a movement
	}})
	return err
}

// Dark turns dark pages on or off, as when evening comes.
func (p *Person) Dark(on bool) *Person {
	p.t.Helper()
	if d, ok := p.driver.(*tab); ok {
		d.dark = on
		p.must(d.do(chromedp.Func(d.colours)), "dark")
	}
	return p
}

// Picture leaves a picture of the whole page in the folder that TEGATA_SCREENS names (`make
// screens`), named NAME.ja.1280.dark.png; it does nothing when there is none, or without a
// real browser.
func (p *Person) Picture(name string) *Person {
	p.t.Helper()
	folder := os.Getenv("TEGATA_SCREENS")
	d, ok := p.driver.(*tab)
	if folder == "" || !ok {
		return p
	}
	theme := map[bool]string{false: "light", true: "dark"}[d.dark]
	return p.Screenshot(filepath.Join(folder, fmt.Sprintf("%s.%s.%d.%s.png", name, d.options.Language, d.options.Width, theme)))
}

// Expect tells that the browser will complain with this text, rightly: a test that
// breaks a rule on purpose.
func (p *Person) Expect(complaint string) *Person {
	if d, ok := p.driver.(*tab); ok {
		d.mu.Lock()
		d.expected = append(d.expected, complaint)
		d.mu.Unlock()
	}
	return p
}

// Complaints gives what the browser complained about so far and nobody expected.
func (p *Person) Complaints() []string {
	if d, ok := p.driver.(*tab); ok {
		return d.complaints()
	}
	return nil
}

// Weight is what a page cost: bytes over the wire with headers, and requests.
type Weight struct {
	Bytes    int
	Requests int
}

// Weight gives what the page at hand cost so far; nothing without a real browser.
func (p *Person) Weight() Weight {
	if d, ok := p.driver.(*tab); ok {
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.weight
	}
	return Weight{}
}

// Sideways gives by how many CSS pixels the page at hand is wider than the window, so
// that people would have to scroll sideways (WCAG 2.2, 1.4.10); 0 without a real browser.
func (p *Person) Sideways() int {
	p.t.Helper()
	d, ok := p.driver.(*tab)
	if !ok {
		return 0
	}
	wider, err := run(d, chromedp.Evaluate[int](`document.documentElement.scrollWidth - document.documentElement.clientWidth`))
	p.must(err, "measure")
	return wider
}

// Cut gives the links of menus that are marked as the page at hand (aria-current) and that
// the window shows in part only, or not at all; a link wider than its menu counts when its
// beginning is out of sight. None without a real browser.
func (p *Person) Cut() []string {
	p.t.Helper()
	d, ok := p.driver.(*tab)
	if !ok {
		return nil
	}
	cut, err := run(d, chromedp.Evaluate[[]string](`Array.from(document.querySelectorAll("nav [aria-current]")).filter(function (link) {
		var words = document.createRange();
		words.selectNodeContents(link);
		var place = words.getBoundingClientRect(), seen = link.closest("nav").getBoundingClientRect();
		return place.left < seen.left - 1 || place.right > seen.right + 1 && place.width < seen.width;
	}).map(function (link) { return link.textContent; })`))
	p.must(err, "look at the menus")
	return cut
}

// complaints gives what the browser complained about and nobody expected.
func (d *tab) complaints() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var rest []string
	for _, c := range d.heard {
		expected := false
		for _, e := range d.expected {
			expected = expected || strings.Contains(c, e)
		}
		if !expected {
			rest = append(rest, c)
		}
	}
	return rest
}
