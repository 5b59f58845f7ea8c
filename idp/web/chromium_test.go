package web_test

import (
	"path/filepath"
	"testing"
	"time"

	"tegata/shared/browser"
)

// TestInChromium is the main job in a real browser, which holds us to our own content
// policy: the log-in form ends at the client. Rules are ticked while somebody types
// (S-021).
func TestInChromium(t *testing.T) {
	for _, o := range []browser.Options{
		{Language: "ja", Width: 1280, Script: true},
		{Language: "en", Width: 360, Script: true},
		{Language: "ja", Width: 360, Script: false, Dark: true},
	} {
		say := inEnglish
		if o.Language == "ja" {
			say = inJapanese
		}
		t.Run(o.Language, func(t *testing.T) {
			w := start(t, false)
			o.Base = w.URL
			p := browser.Chromium(t, o)
			photo := p.Picture
			p.Visit(w.authorize()).At("/login")
			photo("login")
			p.Follow(say.signUp)
			photo("signup")
			say.fillSignUp(p, "taro@tokyo.example")
			photo("signup-filled")
			p.Press(say.register).Title(say.sent)
			photo("sent")
			p.Visit(w.Mail(t, "taro@tokyo.example").Links[0])
			photo("activate")
			p.Press(say.activate).Title(say.proved)
			photo("activated")
			p.Follow(say.back).Fill(say.email, "taro@tokyo.example").Press(say.next)
			photo("password")
			p.Fill(say.password, good).Press(say.logIn).At("/consent")
			photo("consent")
			p.Press(map[string]string{"en": "Approve", "ja": "承認"}[say.lang]).At(w.shop.URL + "/callback")
			p.Visit(w.URL + "/")
			photo("profile-first")
			w.moved(time.Hour)
			for _, page := range []string{"help", "guide", "contact", "terms", "privacy", "cookies", "forgot-password", "forgot-email", "dev/postbox", "logout"} {
				p.Visit("/" + page)
				photo(filepath.Base(page))
			}
			p.Press(say.logOut)
			photo("logged-out")
		})
	}
}
