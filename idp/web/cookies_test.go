package web_test

import (
	"net/http"
	"strings"
	"testing"
)

// The policy is true only while it names what a browser really gets, and says of each
// cookie whether scripts can read it.
func TestTheCookiePolicyNamesEveryCookie(t *testing.T) {
	w := start(t, true)
	readable := map[string]string{"en": "A script of ours reads tegata_state", "ja": "tegata_state は当サイトのスクリプトが読み取ります"}
	names := map[string]bool{"tegata_session": false, "tegata_pending": false, "tegata_language": false}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, address := range []string{w.authorize(), w.authorize("prompt", "none"), w.URL + "/login"} {
		answer, err := client.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		for _, c := range answer.Cookies() {
			names[strings.TrimPrefix(c.Name, "__Host-")] = !c.HttpOnly
		}
	}
	if !names["tegata_state"] || len(names) < 5 {
		t.Fatalf("cookies %v", names)
	}
	for lang, exception := range readable {
		p := w.person(t, lang).Visit("/cookies").Sees(exception)
		for name, open := range names {
			if !strings.Contains(p.HTML(), name+":") && !strings.Contains(p.HTML(), name+" ") {
				t.Errorf("%s: the policy does not name %s", lang, name)
			}
			if open && name != "tegata_state" {
				t.Errorf("%s: scripts can read %s, which the policy denies", lang, name)
			}
		}
	}
}
