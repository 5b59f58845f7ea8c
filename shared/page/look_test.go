package page_test

import (
	"testing"

	"tegata/shared/browser"
)

// widths are the phone and the desk that pages must look right on.
var widths = []int{360, 1280}

// TestEveryKindOfPageIsAccessible shows the sample pages in both languages, widths
// and themes to axe.
func TestEveryKindOfPageIsAccessible(t *testing.T) {
	base := site(t)
	for _, lang := range []string{"ja", "en"} {
		for _, width := range widths {
			ada := browser.Chromium(t, browser.Options{Width: width, Script: true, Language: lang, Base: base})
			browser.AxeDayAndNight(t, ada.Visit("/signup"), "signup")
			browser.AxeDayAndNight(t, ada.PressEnter(map[string]string{"ja": "Eメールアドレス", "en": "E-mail address"}[lang]), "signup-refused")
			browser.AxeDayAndNight(t, ada.Visit("/profile"), "profile")
			for name := range refusals {
				if width == widths[0] { // one column on each width: only the words differ
					browser.AxeDayAndNight(t, ada.Expect(name[:3]).Visit("/refused/"+name), "problem-"+name)
				}
			}
		}
	}
}
