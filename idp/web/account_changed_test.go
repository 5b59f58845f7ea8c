package web_test

import (
	"testing"

	"tegata/shared/browser"
)

// What a page asked of one account, another one that was signed in by another page of the
// same browser since does not answer: the page is shown again, for that one.
func TestAnAnswerIsOfTheAccountThatThePageShowed(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) (p *browser.Person, page, button, done string){
		"which account": func(t *testing.T) (*browser.Person, string, string, string) {
			w := start(t, true)
			p := inEnglish.enter(w.person(t, "en").Visit("/login"), maya, mayaPassword)
			return p.Visit(w.authorize("prompt", "select_account")), "/login/account", "Continue with this account", "/callback"
		},
		"consent": func(t *testing.T) (*browser.Person, string, string, string) {
			w := start(t, false)
			p := inEnglish.enter(w.person(t, "en").Visit("/login"), maya, mayaPassword)
			return p.Visit(w.authorize()), "/consent", "Approve", "/callback"
		},
		"device": func(t *testing.T) (*browser.Person, string, string, string) {
			w := withTelevision(t)
			p := inEnglish.enter(w.person(t, "en").Visit("/login"), maya, mayaPassword)
			return p.Visit("/device").Fill("Code", w.shows(t)["user_code"].(string)).Press(inEnglish.next), "/device/confirm", "Approve", "/device/done"
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, page, button, done := open(t)
			p.At(page).Sees(maya)
			tab := p.Tab().Visit(p.Base + "/logout").Press("Log out").Visit(p.Base + "/login")
			inEnglish.enter(tab, connor, good).At("/profile")
			p.Press(button).At(page).Sees(connor, "Another account is logged in by now.").SeesNot(maya)
			p.Press(button).At(done)
		})
	}
}
