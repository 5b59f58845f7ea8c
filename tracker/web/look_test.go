package web_test

import (
	"os"
	"path/filepath"
	"testing"

	"tegata/shared/browser"
)

// look is one way to see a page.
type look struct {
	name     string
	width    int
	dark     bool
	language string
}

var looks = []look{
	{"en.desktop", 1280, false, "en"}, {"ja.desktop.dark", 1280, true, "ja"},
	{"ja.phone", 360, false, "ja"}, {"en.phone.dark", 360, true, "en"},
}

// Every page in real Chromium, with script and under the content policy: axe finds
// nothing, and with TEGATA_SCREENS there is a picture of each.
func TestEveryPageIsAccessibleInARealBrowser(t *testing.T) {
	for _, l := range looks {
		t.Run(l.name, func(t *testing.T) {
			h := open(t, "")
			p := browser.Chromium(t, browser.Options{Width: l.width, Script: true, Dark: l.dark, Language: l.language})
			text := func(key string) string { return h.Catalog.Text(l.language, key, nil) }
			see := func(name string) {
				t.Helper()
				browser.Axe(t, p)
				if folder := os.Getenv("TEGATA_SCREENS"); folder != "" {
					p.Screenshot(filepath.Join(folder, "tracker-"+name+"."+l.name+".png"))
				}
			}
			p.Visit(h.URL + "/")
			see("start")
			p.Follow(text("start.login")).At("/welcome/address")
			see("welcome-address")
			p.Fill(text("field.city"), "東京").Press(text("address.update"))
			see("welcome-address-refused")
			h.completeAs(t, p, l.language)
			see("home")
			for name, path := range map[string]string{
				"my-information": "/personal", "addresses": "/personal/addresses", "settings": "/personal/settings?saved=1",
				"certifications": "/certifications", "schedule": "/schedule", "help": "/help", "contact": "/contact",
			} {
				p.Visit(h.URL + path)
				see(name)
			}
			p.Expect("400").Visit(h.URL + "/callback?state=x")
			see("signin-refused")
		})
	}
}
