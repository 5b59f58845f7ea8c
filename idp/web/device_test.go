package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"tegata/idp/app/apptest"
	"tegata/idp/clients"
	"tegata/shared/browser"
	"tegata/shared/db/dbtest"
)

// withTelevision runs a provider that knows a device without a browser.
func withTelevision(t *testing.T, database ...string) *world {
	t.Helper()
	w := &world{shop: httptest.NewServer(http.NotFoundHandler())}
	t.Cleanup(w.shop.Close)
	w.IDP = apptest.Start(t, apptest.Options{Database: strings.Join(database, ""), Clients: `clients:
  - client_id: television
    client_name: {en: The Television, ja: テレビ}
    token_endpoint_auth_method: none
    grant_types: ["urn:ietf:params:oauth:grant-type:device_code", refresh_token]
    scopes: [openid, email, offline_access]
`})
	return w
}

// form posts as a device does.
func (w *world) form(t *testing.T, path string, form url.Values) (int, map[string]any) {
	t.Helper()
	answer, err := http.PostForm(w.URL+path, form)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var body map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, body
}

// shows lets the television ask, and gives what it shows.
func (w *world) shows(t *testing.T) map[string]any {
	t.Helper()
	status, codes := w.form(t, "/oauth2/device_authorization", url.Values{"client_id": {"television"}, "scope": {"openid email offline_access"}})
	if status != 200 {
		t.Fatalf("status %d: %v", status, codes)
	}
	return codes
}

func (w *world) polls(t *testing.T, codes map[string]any) (int, map[string]any) {
	t.Helper()
	w.moved(6 * time.Second)
	return w.form(t, "/oauth2/token", url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "client_id": {"television"}, "device_code": {codes["device_code"].(string)},
	})
}

// TestATelevisionIsApproved: typed code, log-in, question, yes; RFC 8628 §3.
func TestATelevisionIsApproved(t *testing.T) {
	w := withTelevision(t)
	for _, say := range []struct {
		words
		who, password, title, code, ask, client, allow, done string
	}{
		{inEnglish, "connor.oneil@example.org", good, "Connect a device", "Code", "Approve the device?", "The Television", "Approve", "Device connected"},
		{inJapanese, "taro.yamada@example.co.jp", "Kumo7!yukigawa", "デバイスの接続", "コード", "デバイスを承認しますか?", "テレビ", "承認", "デバイスを接続しました"},
	} {
		codes := w.shows(t)
		p := w.person(t, say.lang).Visit("/device").Title(say.title)
		typed := strings.ToLower(strings.Replace(codes["user_code"].(string), "-", " ", 1))
		p.Fill(say.code, typed).Press(say.next).At("/login")
		say.enter(p, say.who, say.password).At("/device/confirm").Title(say.ask)
		p.Sees(say.client, "127.0.0.1", say.who)
		if status, answer := w.polls(t, codes); status != 400 || answer["error"] != "authorization_pending" {
			t.Errorf("before the answer: %d %v", status, answer)
		}
		p.Press(say.allow).At("/device/done").Title(say.done)
		status, answer := w.polls(t, codes)
		if status != 200 || answer["id_token"] == nil || answer["refresh_token"] == nil {
			t.Errorf("after it: %d %v", status, answer)
		}
		w.moved(time.Hour)
	}
}

// TestAnUnverifiedDeviceIsMarked: whoever approves it learns that nobody looked at its
// software, and where it says what it does with their data.
func TestAnUnverifiedDeviceIsMarked(t *testing.T) {
	w := withTelevision(t)
	c := clients.Client{
		ID: "unknown", Name: map[string]string{"en": "Free Films"}, AuthMethod: clients.None, GrantTypes: []string{clients.DeviceCode},
		Unverified: true, PolicyURI: "https://films.example/policy",
	}
	c.Default()
	if _, err := w.Services.Clients.Register(t.Context(), c, clients.Registration{}); err != nil {
		t.Fatal(err)
	}
	for client, marked := range map[string]bool{"unknown": true, "television": false} {
		_, codes := w.form(t, "/oauth2/device_authorization", url.Values{"client_id": {client}, "scope": {"openid email"}})
		p := w.person(t, "en").Visit("/device").Fill("Code", codes["user_code"].(string)).Press("Next")
		inEnglish.enter(p, "connor.oneil@example.org", good).At("/device/confirm")
		if marked {
			p.Sees("has checked Free Films. If you do not know it, do not approve it.", "How Free Films uses your data")
		} else if p.SeesNot("has checked"); strings.Contains(p.HTML(), "about-client") {
			t.Error("a list without a link is shown")
		}
	}
}

// TestNoCodeIsNoGuess: pressing the button too early is told as that, and costs nothing.
func TestNoCodeIsNoGuess(t *testing.T) {
	w := withTelevision(t)
	codes := w.shows(t)
	p := w.person(t, "en").Visit("/device")
	for range 6 {
		p.Fill("Code", " ").Press("Next").Sees("Enter the code that your device shows.")
	}
	p.Fill("Code", codes["user_code"].(string)).Press("Next").At("/login")
}

// TestWhatIsNoCodeIsNoGuess: what cannot be a code is told beside the field, as often as
// it is typed, and the right code still works; what could be one and is none counts.
func TestWhatIsNoCodeIsNoGuess(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, database string) {
		w := withTelevision(t, database)
		for _, say := range []struct{ lang, code, next, form, unknown, many string }{
			{"en", "Code", "Next", "A code has eight letters and no vowels.", "We do not know this code", "too many attempts"},
			{"ja", "コード", "次へ", "コードは英字 8 文字で、A、E、I、O、U は使われません。", "このコードは確認できないか", "操作の回数が多すぎます"},
		} {
			codes := w.shows(t)
			p := w.person(t, say.lang).Visit("/device")
			for _, typed := range []string{"''", "<script>", "1", "BCDF-GHJ", "BCDF-GHJA", "BCDFGHJKL", strings.Repeat("B", 500), "\U0001f512", "--------"} {
				p.Fill(say.code, typed).Press(say.next).At("/device").Sees(say.form)
				if p.Status() != http.StatusBadRequest {
					t.Errorf("%.20q: status %d, want 400", typed, p.Status())
				}
				if !strings.Contains(p.HTML(), `id="user_code-error"`) {
					t.Errorf("%.20q: nothing stands beside the field", typed)
				}
			}
			for range 4 {
				p.Fill(say.code, "BCDF-GHJK").Press(say.next).Sees(say.unknown)
			}
			p.Fill(say.code, codes["user_code"].(string)).Press(say.next).At("/login")
			for range 3 { // a room with many screens is one place
				w.person(t, say.lang).Visit("/device").Fill(say.code, w.shows(t)["user_code"].(string)).Press(say.next).At("/login")
			}
			other := w.person(t, say.lang).Visit("/device").Fill(say.code, "BCDF-GHJK").Press(say.next).Sees(say.unknown)
			if other.Fill(say.code, "BCDF-GHJK").Press(say.next).Sees(say.many); other.Status() != http.StatusTooManyRequests {
				t.Errorf("the sixth wrong one: status %d, want 429", other.Status())
			}
			w.moved(time.Hour)
		}
	})
}

// TestATelevisionIsRefused: no is no, and only once.
func TestATelevisionIsRefused(t *testing.T) {
	w := withTelevision(t)
	codes := w.shows(t)
	p := w.person(t, "en").Visit(strings.TrimPrefix(codes["verification_uri_complete"].(string), w.URL))
	if got := p.Value("Code"); got != codes["user_code"] { // filled in, and nothing more
		t.Errorf("the field holds %q, want %q", got, codes["user_code"])
	}
	p.Press("Next")
	inEnglish.enter(p, "connor.oneil@example.org", good).Press("Deny").Title("Device refused")
	if status, answer := w.polls(t, codes); status != 400 || answer["error"] != "access_denied" {
		t.Errorf("%d %v", status, answer)
	}
	p.Visit("/device").Fill("Code", codes["user_code"].(string)).Press("Next").Sees("do not know this code")
}

// TestACodeBelongsToTheFirstBrowser: who reads it over somebody's shoulder is late.
func TestACodeBelongsToTheFirstBrowser(t *testing.T) {
	w := withTelevision(t)
	codes := w.shows(t)
	first := w.person(t, "en").Visit("/device").Fill("Code", codes["user_code"].(string)).Press("Next").At("/login")
	second := w.person(t, "en").Visit("/device").Fill("Code", codes["user_code"].(string)).Press("Next").At("/device").Sees("do not know this code")
	inEnglish.enter(first, "connor.oneil@example.org", good).At("/device/confirm")
	second.Visit(first.URL()).Title("Nothing to approve")
	if second.Status() != http.StatusGone {
		t.Errorf("status %d, want 410", second.Status())
	}
	first.Press("Approve").Title("Device connected")
	first.Visit("/device/confirm?request=nonsense").Title("Nothing to approve")
}

// TestGuessingCodesEndsSoon: five from one place, then one a minute.
func TestGuessingCodesEndsSoon(t *testing.T) {
	w := withTelevision(t)
	codes := w.shows(t)
	p := w.person(t, "en").Visit("/device")
	for i := range 5 {
		p.Fill("Code", fmt.Sprintf("BCDF-GHJ%c", "KLMNP"[i])).Press("Next").Sees("do not know this code")
	}
	other := w.person(t, "en").Visit("/device")
	for _, who := range []*browser.Person{p, other} {
		who.Fill("Code", codes["user_code"].(string)).Press("Next").Sees("too many attempts")
		if who.Status() != http.StatusTooManyRequests {
			t.Errorf("status %d, want 429", who.Status())
		}
	}
	w.moved(2 * time.Minute)
	p.Fill("Code", codes["user_code"].(string)).Press("Next").At("/login")
}

// TestOldCodesAreOver: ten minutes are enough.
func TestOldCodesAreOver(t *testing.T) {
	w := withTelevision(t)
	codes := w.shows(t)
	p := w.person(t, "en").Visit("/device").Fill("Code", codes["user_code"].(string)).Press("Next")
	inEnglish.enter(p, "connor.oneil@example.org", good).At("/device/confirm")
	w.moved(11 * time.Minute)
	p.Press("Approve").Title("Nothing to approve")
	if status, answer := w.polls(t, codes); status != 400 || answer["error"] != "expired_token" {
		t.Errorf("%d %v", status, answer)
	}
}
