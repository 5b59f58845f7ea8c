package web_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/idp/app/apptest"
	"tegata/idp/clients"
	"tegata/idp/sessions"
	"tegata/shared/browser"
	"tegata/shared/db/dbtest"
)

// party is a client that redeems its codes, watches the session in a frame and has a
// log-out page of its own.
type party struct {
	*httptest.Server
	idp *apptest.IDP

	mu     sync.Mutex
	tokens map[string]any
	framed []url.Values // calls of its log-out page
}

// partySecret is "secret"; its digest stands in the clients file.
const partySecret = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"

// withParty runs a provider and such a client; more is added to its registration.
func withParty(t *testing.T, more string, database ...string) *party {
	t.Helper()
	p := &party{}
	mux := http.NewServeMux()
	p.Server = httptest.NewUnstartedServer(mux)
	p.Server.Start()
	p.URL = strings.Replace(p.Server.URL, "127.0.0.1", "localhost", 1) // the same site as the provider
	t.Cleanup(p.Close)
	mux.HandleFunc("GET /callback", p.callback)
	mux.HandleFunc("GET /framed", p.frame)
	mux.HandleFunc("GET /bye", func(w http.ResponseWriter, _ *http.Request) { show(w, "Good bye") })
	mux.HandleFunc("GET /watch", p.watch)
	p.idp = apptest.Start(t, apptest.Options{Database: strings.Join(database, ""), Clients: fmt.Sprintf(`clients:
  - client_id: party
    client_name: {en: The Party, ja: パーティー}
    redirect_uris: [%q]
    post_logout_redirect_uris: [%q]
    client_secret_digests: [%s]
%s`, p.URL+"/callback", p.URL+"/bye", partySecret, strings.ReplaceAll(more, "PARTY", p.URL))})
	return p
}

func show(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<!DOCTYPE html><html lang="en"><title>%s</title><link rel="icon" href="data:,"><h1>%s</h1>`, text, text)
}

func (p *party) callback(w http.ResponseWriter, r *http.Request) {
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {r.FormValue("code")}, "redirect_uri": {p.URL + "/callback"},
		"code_verifier": {"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
	}
	req, _ := http.NewRequest(http.MethodPost, p.idp.URL+"/oauth2/token", strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("party:secret")))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer res.Body.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	json.NewDecoder(res.Body).Decode(&p.tokens)
	p.tokens["session_state"] = r.FormValue("session_state")
	show(w, fmt.Sprintf("Party %d", res.StatusCode))
}

func (p *party) frame(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.framed = append(p.framed, r.URL.Query())
	show(w, "out")
}

// watch is a page with the provider's frame; it shows what the frame says each time.
func (p *party) watch(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<!DOCTYPE html><html lang="en"><title>Watch</title><link rel="icon" href="data:,"><h1>Watch</h1><p id="said">nothing yet</p>
<iframe id="op" src="%s/oauth2/session" title="session" hidden></iframe><script>
var op = document.getElementById('op');
window.addEventListener('message', function (e) { if (e.origin === %q) document.getElementById('said').textContent = 'said ' + e.data; });
function ask() { op.contentWindow.postMessage('party %s', %q); }
op.addEventListener('load', ask); setInterval(ask, 100);
</script>`, p.idp.URL, p.idp.URL, p.token("session_state"), p.idp.URL)
}

func (p *party) token(name string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	text, _ := p.tokens[name].(string)
	return text
}

func (p *party) calls() []url.Values {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]url.Values{}, p.framed...)
}

func (p *party) authorize(scope string) string {
	return p.idp.URL + "/oauth2/authorize?" + url.Values{
		"client_id": {"party"}, "response_type": {"code"}, "scope": {scope}, "state": {"0123456789"}, "nonce": {"n"},
		"redirect_uri": {p.URL + "/callback"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}.Encode()
}

const maya, mayaPassword = "maya.lindqvist@example.com", "brisk Walnut, 4 kites"

// logOut is the log-out that the client asks for.
func (p *party) logOut() string {
	return p.idp.URL + "/oauth2/logout?" + url.Values{
		"id_token_hint": {p.token("id_token")}, "post_logout_redirect_uri": {p.URL + "/bye"}, "state": {"s"},
	}.Encode()
}

// OIDC Front-Channel Logout §3: the client's page is framed with iss and sid, then the
// person goes on, with script and without; OIDC Session Management §3: the frame
// notices. In Chromium, which holds both to the policies of their pages.
func TestLeavingInChromium(t *testing.T) {
	for _, script := range []bool{true, false} {
		t.Run(fmt.Sprintf("script %t", script), func(t *testing.T) {
			p := withParty(t, "    first_party: true\n    frontchannel_logout_uri: PARTY/framed?x=1\n")
			o := browser.Options{Base: p.idp.URL, Language: "en", Script: script, Width: 1280}
			one := browser.Chromium(t, o)
			photo := one.Picture
			one.Visit(p.authorize("openid"))
			inEnglish.enter(one, maya, mayaPassword).Title("Party 200")
			if script {
				one.Visit(p.URL + "/watch").Sees("said unchanged")
			}
			one.Visit(p.idp.URL + "/profile/apps")
			photo("apps")
			one.Visit(strings.Replace(p.authorize("openid groups"), "%2Fcallback", "%2Fcallbock", 1))
			if err := p.idp.Diary.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			browser.Axe(t, one.Visit(shareLink(t, p)).Sees("callbock"))
			photo("doctor")
			one.Visit(p.logOut())
			photo("leave")
			soon(t, one, p.URL+"/bye?state=s")
			calls := p.calls()
			if len(calls) != 1 || calls[0].Get("iss") != p.idp.URL || calls[0].Get("sid") == "" || calls[0].Get("x") != "1" {
				t.Errorf("the client's page was called with %v", calls)
			}
			if script {
				one.Visit(p.URL + "/watch").Sees("said changed")
			}
			one.Visit(p.authorize("openid"))
			inEnglish.enter(one, maya, mayaPassword).Title("Party 200")
			one.Visit(p.idp.URL + "/logout").Press("Log out")
			soon(t, one, "/logout")
			one.Sees("You are logged out")
			if len(p.calls()) != 2 {
				t.Errorf("called %d times, want 2", len(p.calls()))
			}
		})
	}
}

// soon waits until the page has moved on by itself.
func soon(t *testing.T, one *browser.Person, to string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if strings.HasSuffix(one.URL(), to) && !strings.Contains(one.Text(), "takes a moment") {
			return
		}
	}
	t.Fatalf("still at %s, want %s", one.URL(), to)
}

// What an unverified client shows, each time that a page may be shown.
func TestAnUnverifiedClientIsMarked(t *testing.T) {
	p := withParty(t, "    unverified: true\n")
	one := browser.InProcess(t, browser.Options{Base: p.idp.URL, Language: "en"})
	host := strings.TrimPrefix(p.URL, "http://")
	one.Visit(p.authorize("openid email"))
	inEnglish.enter(one, maya, mayaPassword).At("/consent").Sees("Nobody at", host).Press("Approve").Title("Party 200")
	one.Visit(p.authorize("openid email")).At("/consent").Sees(host)
	one.Visit(p.authorize("openid email") + "&prompt=none").Title("Party 200")
}

// The page of connected applications: scopes, times, and the end.
func TestConnectedApplications(t *testing.T) {
	p := withParty(t, "")
	one := browser.InProcess(t, browser.Options{Base: p.idp.URL, Language: "ja"})
	one.Visit(p.idp.URL + "/profile/apps").At("/login")
	inJapanese.enter(one, maya, mayaPassword)
	one.Visit("/profile/apps").Press("日本語").Title("アプリケーション").Sees("アカウントを利用しているアプリケーションはありません。").SeesNot("アプリケーションです。")
	one.Visit(p.authorize("openid email")).At("/consent").Press("承認").Title("Party 200")
	one.Visit(p.authorize("openid email")).Title("Party 200") // remembered
	one.Visit(p.authorize("openid email profile")).At("/consent").Press("承認").Title("Party 200")
	one.Visit(p.idp.URL + "/profile/apps")
	if marked := regexp.MustCompile(`<a href="([^"]*)" aria-current="page"`).FindAllStringSubmatch(one.HTML(), -1); len(marked) != 1 || marked[0][1] != "/profile/apps" {
		t.Errorf("the navigation marks %v, want /profile/apps alone", marked)
	}
	one.Sees("パーティー", "識別子を含みます） 氏名や表示言語などのプロファイル情報 Eメールアドレス", "2026年4月6日")
	one.Visit(p.idp.URL + "/profile/apps?ended=party").Sees("パーティー").SeesNot("アクセスを取り消しました") // a made-up link
	one.Press("「パーティー」のアクセスを取り消す").Sees("アクセスを取り消しました。「パーティー」はお客様の情報を利用できなくなりました。", "アプリケーションはありません")
	p.idp.Clock.Move(time.Second)
	req, _ := http.NewRequest(http.MethodGet, p.idp.URL+"/oauth2/userinfo", nil)
	req.Header.Set("Authorization", "Bearer "+p.token("access_token"))
	if res, err := http.DefaultClient.Do(req); err != nil || res.StatusCode != http.StatusUnauthorized {
		t.Errorf("the token still works: %v %v", res, err)
	}
	one.Visit(p.authorize("openid email")).At("/consent")
}

// What a link says has ended is believed where it has: nobody learns a client's name by its
// id, and nobody is told of an access that never was, or that somebody else ended.
func TestNothingHasEndedThatWasNeverConnected(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, database string) {
		p := withParty(t, "", database)
		stranger := browser.InProcess(t, browser.Options{Base: p.idp.URL, Language: "en"})
		stranger.Visit(p.authorize("openid"))
		inEnglish.enter(stranger, maya, mayaPassword).At("/consent").Press("Approve").Title("Party 200")
		stranger.Visit(p.idp.URL+"/profile/apps").Press("End access of The Party").At("/profile/apps?ended=party").Sees("The access has ended", "The Party")

		one := browser.InProcess(t, browser.Options{Base: p.idp.URL, Language: "ja"})
		one.Visit(p.idp.URL + "/profile/apps").At("/login")
		inJapanese.enter(one, "taro.yamada@example.co.jp", "Kumo7!yukigawa")
		for _, made := range []string{"party", "nope", "par%00ty", ""} {
			one.Visit(p.idp.URL + "/profile/apps?ended=" + made).Title("アプリケーション").SeesNot("取り消しました").SeesNot("パーティー")
		}
	})
}

// Somebody who ends the access of a client that is switched off knows it by its name.
func TestAClientThatIsSwitchedOffKeepsItsNameAmongTheConnections(t *testing.T) {
	p := withParty(t, "")
	one := browser.InProcess(t, browser.Options{Base: p.idp.URL, Language: "en"})
	one.Visit(p.authorize("openid email"))
	inEnglish.enter(one, maya, mayaPassword).At("/consent").Press("Approve").Title("Party 200")
	editor := clients.Editor{Registry: p.idp.Clients, Audit: p.idp.Audit, Actor: "test"}
	party, err := editor.Find(t.Context(), "party")
	if err != nil {
		t.Fatal(err)
	}
	if err := editor.SetDisabled(t.Context(), party, true); err != nil {
		t.Fatal(err)
	}
	one.Visit(p.idp.URL + "/profile/apps").Press("End access of The Party").Sees("The access has ended. The Party can no longer read your information.")
}

// A page that lists many clients has them from memory, as the protocol has.
func TestConnectedApplicationsAreNamedFromMemory(t *testing.T) {
	p := withParty(t, "")
	one := browser.InProcess(t, browser.Options{Base: p.idp.URL, Language: "en"})
	one.Visit(p.authorize("openid email"))
	inEnglish.enter(one, maya, mayaPassword).At("/consent").Press("Approve").Title("Party 200")
	if n, err := p.idp.DB.Exec(t.Context(), `update clients set record = replace(record, 'The Party', 'The Feast') where id = 'party'`); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	one.Visit(p.idp.URL + "/profile/apps").Sees("The Party").SeesNot("The Feast")
	p.idp.Clock.Move(time.Second)
	one.Visit(p.idp.URL + "/profile/apps").Sees("The Feast").SeesNot("The Party")
}

// Only what was there has ended: a client that does not exist, none at all, and one that is
// connected to somebody else alone are told apart from that, and change nothing.
func TestEndingWhatIsNotConnected(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, database string) {
		p := withParty(t, "", database)
		for _, say := range []struct {
			words
			who, password, allow, unknown, ended, end, title string
		}{
			{inEnglish, maya, mayaPassword, "Approve", "This application is not connected, so nothing was changed.", "The access has ended", "End access of The Party", "Applications"},
			{inJapanese, "taro.yamada@example.co.jp", "Kumo7!yukigawa", "承認", "このアプリケーションは接続されていないため、何も変更されませんでした。", "アクセスを取り消しました", "「パーティー」のアクセスを取り消す", "アプリケーション"},
		} {
			one := browser.InProcess(t, browser.Options{Base: p.idp.URL, Language: say.lang})
			one.Visit(p.authorize("openid email"))
			say.enter(one, say.who, say.password).At("/consent").Press(say.allow).Title("Party 200")
			account, err := p.idp.Accounts.ByEmail(t.Context(), say.who)
			if err != nil {
				t.Fatal(err)
			}
			_, cookie, err := p.idp.Sessions.Start(t.Context(), account.ID, []string{"pwd"}) // the same person elsewhere
			if err != nil {
				t.Fatal(err)
			}
			for name, body := range map[string]string{"unknown": "client=nope", "none": "", "empty": "client=", "not theirs": "client=tracker", "no text": "client=par%00ty"} {
				status, text := (&world{IDP: p.idp}).send(t, "POST", "/profile/apps", strings.NewReader(body),
					"Content-Type", "application/x-www-form-urlencoded", "Accept-Language", say.lang, "Cookie", sessions.CookieName+"="+cookie)
				if status != http.StatusNotFound || !strings.Contains(text, say.unknown) || strings.Contains(text, say.ended) || !strings.Contains(text, "id=\"end-party\"") {
					t.Errorf("%s, %s: status %d: %s", say.lang, name, status, text)
				}
			}
			one.Visit(p.idp.URL + "/profile/apps").Press(say.end).Sees(say.ended).SeesNot(say.unknown)
		}
	})
}

// The doctor's page is for whoever has the link, for an hour.
func TestTheDoctorsPage(t *testing.T) {
	p := withParty(t, "    first_party: true\n")
	one := browser.InProcess(t, browser.Options{Base: p.idp.URL, Language: "en"})
	one.Visit(strings.Replace(p.authorize("openid"), "%2Fcallback", "%2Fcallbock%3Ftoken%3Dvery-secret-value", 1))
	one.Visit(p.authorize("openid groups"))
	inEnglish.enter(one, maya, mayaPassword).Title("Party 200")
	if err := p.idp.Diary.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	link := shareLink(t, p)
	one.Visit(link).Title("Sign-in doctor").Sees("The Party (party)", "not registered", "callbock?token=…", "ignored: groups", "token").
		SeesNot("very-secret").SeesNot("maya")
	one.Press("日本語").Title("ログイン診断").Sees("redirect_uri が登録されていません")
	browser.InProcess(t, browser.Options{Base: p.idp.URL, Language: "en"}).Visit(link + "x").Sees("It has expired")
	p.idp.Clock.Move(time.Hour)
	one.Visit(link).SeesNot("callbock")
	one.Visit("/doctor").SeesNot("callbock")
}

// Its developer learns there, and nowhere else, why nothing works any more.
func TestTheDoctorsPageTellsThatTheClientIsSwitchedOff(t *testing.T) {
	p := withParty(t, "")
	editor := clients.Editor{Registry: p.idp.Clients, Audit: p.idp.Audit, Actor: "test"}
	party, err := editor.Find(t.Context(), "party")
	if err != nil {
		t.Fatal(err)
	}
	link := shareLink(t, p)
	one := browser.InProcess(t, browser.Options{Base: p.idp.URL, Language: "en"})
	one.Visit(link).SeesNot("switched off")
	if err := editor.SetDisabled(t.Context(), party, true); err != nil {
		t.Fatal(err)
	}
	one.Visit(link).Title("Sign-in doctor").Sees("The Party (party)", "The client is switched off.", "What is registered")
	one.Visit(shareLink(t, p)).Sees("The client is switched off.") // one that is made meanwhile too
}

func shareLink(t *testing.T, p *party) string {
	t.Helper()
	token, err := clients.ShareLink(context.Background(), p.idp.Once, "party", p.idp.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	return p.idp.URL + "/doctor?token=" + token
}
