package page_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"tegata/shared/browser"
)

// widths are the phone and the desk that pages must look right on.
var widths = []int{360, 1280}

// TestEveryKindOfPageIsAccessible shows the sample pages in both languages, widths
// and themes to axe. With TEGATA_SCREENS it also writes pictures there.
func TestEveryKindOfPageIsAccessible(t *testing.T) {
	base := site(t)
	for _, lang := range []string{"ja", "en"} {
		for _, width := range widths {
			ada := browser.Chromium(t, browser.Options{Width: width, Script: true, Language: lang, Base: base})
			for _, dark := range []bool{false, true} {
				ada.Dark(dark)
				look := func(name string) {
					browser.Axe(t, ada)
					picture(ada, name, lang, width, dark)
				}
				ada.Visit("/signup")
				look("signup")
				ada.PressEnter(map[string]string{"ja": "Eメールアドレス", "en": "E-mail address"}[lang])
				look("signup-refused")
				ada.Visit("/profile")
				look("profile")
				for name := range refusals {
					if width == widths[0] { // one column on each width: only the words differ
						ada.Expect(name[:3]).Visit("/refused/" + name)
						look("problem-" + name)
					}
				}
			}
		}
	}
}

func picture(p *browser.Person, name, lang string, width int, dark bool) {
	folder := os.Getenv("TEGATA_SCREENS")
	if folder == "" {
		return
	}
	theme := map[bool]string{false: "light", true: "dark"}[dark]
	p.Screenshot(filepath.Join(folder, fmt.Sprintf("%s-%s-%d-%s.png", name, lang, width, theme)))
}
