package web_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tegata/idp/app/apptest"
	"tegata/shared/browser"
)

// good is a password that meets every rule for the people of these tests.
const good = "Copper-lantern-19"

// verifier and its challenge are the example of RFC 7636 Appendix B.
const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

// world is a provider and a client of it, a shop that starts a fresh log-in at /start
// and shows what came back at /callback.
type world struct {
	*apptest.IDP
	shop *httptest.Server
}

// start runs both. The shop is not of the provider's owner: it needs consent, unless
// firstParty.
func start(t *testing.T, firstParty bool, database ...string) *world {
	t.Helper()
	w := &world{}
	mux := http.NewServeMux()
	w.shop = httptest.NewServer(mux)
	t.Cleanup(w.shop.Close)
	mux.HandleFunc("GET /callback", func(rw http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(rw, "<title>Shop</title><h1>Shop</h1><p>answer: %s %s</p>", strings.Join(slices.Sorted(maps.Keys(r.URL.Query())), " "), r.FormValue("error"))
	})
	mux.HandleFunc("POST /callback", func(rw http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(rw, "<title>Shop</title><h1>Shop</h1><p>posted: %t %s</p>", r.PostFormValue("code") != "", r.PostFormValue("state"))
	})
	mux.HandleFunc("GET /start", func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, w.authorize("target_link_uri", r.FormValue("target_link_uri")), http.StatusSeeOther)
	})
	w.IDP = apptest.Start(t, apptest.Options{Database: strings.Join(database, ""), Clients: fmt.Sprintf(`clients:
  - client_id: shop
    client_name: {en: The Shop, ja: お店}
    redirect_uris: [%q]
    initiate_login_uri: %q
    client_secret_digests: [%s]
    first_party: %t
  - client_id: app
    client_name: {en: The App, ja: アプリ}
    redirect_uris: [%[1]q]
    token_endpoint_auth_method: none
`, w.shop.URL+"/callback", w.shop.URL+"/start", strings.Repeat("ab", 32), firstParty)})
	return w
}

// authorize is an authorization request of the shop; more are parameters in pairs.
func (w *world) authorize(more ...string) string {
	q := url.Values{
		"client_id": {"shop"}, "response_type": {"code"}, "scope": {"openid email"}, "state": {"0123456789"},
		"redirect_uri": {w.shop.URL + "/callback"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}
	for i := 0; i+1 < len(more); i += 2 {
		if more[i+1] != "" {
			q.Set(more[i], more[i+1])
		}
	}
	return w.URL + "/oauth2/authorize?" + q.Encode()
}

// person is somebody in front of the provider's pages, without script.
func (w *world) person(t *testing.T, lang string) *browser.Person {
	t.Helper()
	return browser.InProcess(t, browser.Options{Base: w.URL, Language: lang})
}

// words are what the stories press and read in one language.
type words struct {
	lang                                         string
	email, password, given, family, country      string
	japan, register, next, logIn, signUp         string
	activate, back, code, sent, proved, nextWhat string
	resend, sentAgain, other, logOut             string
}

var inEnglish = words{
	lang: "en", email: "Email address", password: "Password", given: "First name (Roman letters)", family: "Last name (Roman letters)",
	country: "Country or region", japan: "Japan", register: "Register", next: "Next", logIn: "Log in", signUp: "Sign up",
	activate: "Activate account", back: "Back to log in", code: "Activation code", sent: "We have sent you an email",
	proved: "Your email address is confirmed", nextWhat: "What would you like to do next?",
	resend: "Send the email again", sentAgain: "We have sent the email again", other: "日本語", logOut: "Log out",
}

var inJapanese = words{
	lang: "ja", email: "Eメールアドレス", password: "パスワード", given: "名 (ローマ字)", family: "姓 (ローマ字)",
	country: "国や地域", japan: "日本", register: "登録", next: "次へ", logIn: "ログイン", signUp: "サインアップ",
	activate: "アカウントを有効化", back: "ログインに戻る", code: "アクティベーションコード", sent: "確認メールを送信しました",
	proved: "Eメールアドレスを確認しました", nextWhat: "次に何をしますか?",
	resend: "メールを再送信", sentAgain: "もう一度メールをお送りしました", other: "English", logOut: "ログアウト",
}

// fillSignUp fills the five fields.
func (w words) fillSignUp(p *browser.Person, email string) {
	p.Fill(w.email, email).Fill(w.password, good).Fill(w.given, "Taro").Fill(w.family, "Yamada").Choose(w.country, w.japan)
}

// enter logs in from the page with the address.
func (w words) enter(p *browser.Person, email, password string) *browser.Person {
	return p.Fill(w.email, email).Press(w.next).Fill(w.password, password).Press(w.logIn)
}

// post sends a form as a browser on our own page would; header pairs may change that.
func (w *world) post(t *testing.T, path string, form url.Values, header ...string) (status int, body string) {
	t.Helper()
	return w.send(t, "POST", path, strings.NewReader(form.Encode()), append([]string{
		"Content-Type", "application/x-www-form-urlencoded", "Origin", w.URL, "Sec-Fetch-Site", "same-origin"}, header...)...)
}

// moved tells the clock and waits for nothing.
func (w *world) moved(d time.Duration) { w.Clock.Move(d) }
