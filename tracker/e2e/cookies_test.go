package e2e_test

import (
	"net/url"
	"strings"
	"testing"
)

// TestTheCookiePolicyNamesTheCookiesOfTheTracker: its footer leads to the policy of the
// provider, which is true of it only while it names what browsers get there.
func TestTheCookiePolicyNamesTheCookiesOfTheTracker(t *testing.T) {
	s := besiege(t, "sqlite")
	i := s.intruder(t)
	i.get(i.toTracker(s, victim, victimPassword))
	i.get(s.Tracker.URL + "/help?ui_locales=ja")
	if r := i.get(s.Tracker.URL + "/help"); !strings.Contains(r.body, `href="`+s.IDP.URL+`/cookies`) {
		t.Error("the footer does not lead to the policy of the provider")
	}
	site, err := url.Parse(s.Tracker.URL)
	if err != nil {
		t.Fatal(err)
	}
	own := 0
	for _, c := range i.jar.Cookies(site) {
		if strings.HasPrefix(c.Name, "tegata_tracker_") {
			own++
		}
		for lang, sign := range map[string]string{"en": " ", "ja": ":"} {
			if r := i.get(s.IDP.URL + "/cookies?ui_locales=" + lang); !strings.Contains(r.body, "<li>"+c.Name+sign) {
				t.Errorf("%s: the policy does not name %s", lang, c.Name)
			}
		}
	}
	if own < 2 {
		t.Errorf("the tracker set %d cookies of its own, want one of the log-in and one of the session", own)
	}
}
