package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tegata/shared/browser"
	"tegata/shared/db/dbtest"
)

// hinted is a reader whose browser and account speak one language while the client asks
// for the other; the words are those of the language that was asked for.
type hinted struct {
	words
	asks, header           string // ui_locales, Accept-Language
	who, pass              string
	login, helpLink, help  string
	check, wrong           string
	enterPassword, privacy string
	signUpTitle, guide     string
	activateTitle          string
	terms, accept          string
	consent, client, allow string
	over, unsafe           string
	party, leave, onward   string
	loggedOut, switchTo    string
}

var readers = []hinted{
	{
		words: inJapanese, asks: "fr cy ja-JP en", header: "en", who: maya, pass: mayaPassword,
		login: "ログイン", helpLink: "ヘルプ", help: "ログインおよびアカウントのヘルプ", check: "次の内容をご確認ください", wrong: "一致しないか",
		enterPassword: "パスワードを入力", privacy: "プライバシー", signUpTitle: "アカウントを作成", guide: "アカウントの作り方を見る",
		activateTitle: "アカウントを有効化", terms: "ご利用条件が新しくなりました", accept: "同意して続ける",
		consent: "アクセスの承認", client: "お店", allow: "承認", over: "完了しています", unsafe: "安全のため手続きを中止しました",
		party: "パーティー", leave: "ログアウトしています", onward: "次へ進む", loggedOut: "ログアウトしました", switchTo: "English",
	}, {
		words: inEnglish, asks: "en-GB ja", header: "ja", who: "taro.yamada@example.co.jp", pass: "Kumo7!yukigawa",
		login: "Log in", helpLink: "Help", help: "Log-in and account help", check: "Please check the following", wrong: "do not match",
		enterPassword: "Enter your password", privacy: "Privacy", signUpTitle: "Create an account", guide: "How to create an account",
		activateTitle: "Activate your account", terms: "Our terms have changed", accept: "Accept and continue",
		consent: "Approve access", client: "The Shop", allow: "Approve", over: "is finished", unsafe: "We stopped for your safety",
		party: "The Party", leave: "Logging out", onward: "Continue", loggedOut: "You are logged out", switchTo: "日本語",
	},
}

// eachReader runs story for both readers on both databases.
func eachReader(t *testing.T, story func(t *testing.T, w *world, say hinted)) {
	dbtest.EachURL(t, func(t *testing.T, database string) {
		w := start(t, false, database)
		for _, say := range readers {
			t.Run(say.lang, func(t *testing.T) { story(t, w, say) })
		}
	})
}

// OIDC Core §3.1.2.1: every page of the conversation speaks the first language of
// ui_locales that we have, whatever the browser says and the account is set to.
func TestUILocalesDecideTheWholeConversation(t *testing.T) {
	eachReader(t, func(t *testing.T, w *world, say hinted) {
		p := w.person(t, say.header).Visit(w.authorize("ui_locales", say.asks)).At("/login?").Title(say.login).Sees(say.client)
		p.Follow(say.helpLink).At("/help?").Sees(say.help).Visit(w.authorize("ui_locales", say.asks))
		p.Follow(say.privacy).At("/privacy?ui_locales=" + say.lang).Sees(say.privacy)
		p.Visit(w.authorize("ui_locales", say.asks)).Fill(say.email, "nobody").Press(say.next).At("/login").Sees(say.check)
		p.Fill(say.email, say.who).Press(say.next).Title(say.enterPassword)
		p.Fill(say.password, "wrong").Press(say.logIn).At("/login/password").Sees(say.wrong)
		was := w.Accounts.Terms
		w.Accounts.Terms = "2027-01 " + say.lang
		defer func() { w.Accounts.Terms = was }()
		p.Fill(say.password, say.pass).Press(say.logIn).Title(say.terms).Press(say.accept)
		p.At("/consent").Title(say.consent).Sees(say.client)
		consent := p.URL()
		p.Press(say.allow).At("/callback").Sees("code")
		p.Visit(consent).Visit(w.URL + "/oauth2/authorize?" + strings.SplitN(consent, "?", 2)[1]).Sees(say.over)
	})
}

// The mail that a sign-up sends, and the pages behind it, stay in the language.
func TestUILocalesHoldForASignUp(t *testing.T) {
	eachReader(t, func(t *testing.T, w *world, say hinted) {
		email := say.lang + "@hinted.example"
		p := w.person(t, say.header).Visit(w.authorize("ui_locales", say.asks)).Follow(say.signUp).Title(say.signUpTitle)
		p.Follow(say.guide).Follow(say.back).Follow(say.signUp)
		say.fillSignUp(p, "no address")
		p.Press(say.register).At("/signup").Sees(say.check)
		say.fillSignUp(p, email)
		p.Press(say.register).Title(say.sent)
		link := w.Mail(t, email).Links[0]
		elsewhere := w.person(t, say.header).Visit(link).Title(say.activateTitle)
		elsewhere.Press(say.activate).Title(say.proved).Follow(say.back).Title(say.login)
		p.Visit(link).Follow(say.back)
		say.enter(p, email, good).Title(say.consent)
	})
}

// What somebody chose with the switch, before or meanwhile, counts more; and what a client
// asked for is not taken for such a choice afterwards.
func TestTheSwitchCountsMoreThanUILocales(t *testing.T) {
	eachReader(t, func(t *testing.T, w *world, say hinted) {
		other := readers[0]
		if other.lang == say.lang {
			other = readers[1]
		}
		p := w.person(t, say.header)
		p.Visit(w.authorize("ui_locales", say.asks)).Title(say.login).Visit(w.authorize()).Title(other.login) // not remembered
		p.Visit(w.authorize("ui_locales", "fr se *")).Title(other.login)                                      // nothing that we know
		p.Visit(w.authorize("ui_locales", say.asks)).Title(say.login).Press(say.switchTo).Title(other.login)
		p.Fill(other.email, say.who).Press(other.next).Title(other.enterPassword)
		p.Visit(w.authorize("ui_locales", say.asks)).Title(other.login)
		p.Visit(w.URL + "/logout?ui_locales=" + say.lang).Title(other.loggedOut)
	})
}

// Pages that tell what is wrong speak it too: with the request at hand in the address or
// in a form, and with the conversation of another browser.
func TestUILocalesHoldForProblems(t *testing.T) {
	eachReader(t, func(t *testing.T, w *world, say hinted) {
		bad := strings.Replace(w.authorize("ui_locales", say.asks), "%2Fcallback", "%2Felsewhere", 1)
		p := w.person(t, say.header).Visit(bad).Title(say.unsafe)
		if p.Status() != http.StatusBadRequest {
			t.Errorf("status %d, want 400", p.Status())
		}
		_, query, _ := strings.Cut(bad, "?")
		if status, text := w.send(t, "POST", "/oauth2/authorize", strings.NewReader(query),
			"Content-Type", "application/x-www-form-urlencoded", "Accept-Language", say.header); status != 400 || !strings.Contains(text, say.unsafe) {
			t.Errorf("in a form: status %d: %s", status, text)
		}
		begun := p.Visit(w.authorize("ui_locales", say.asks)).URL()
		stranger := w.person(t, say.header).Visit(begun).Title(say.login)
		stranger.Visit(strings.Replace(begun, "/login", "/oauth2/authorize", 1))
		if got := stranger.Header("Content-Language"); got != say.lang {
			t.Errorf("the page for another browser is in %q, want %q", got, say.lang)
		}
		w.moved(2 * time.Hour)
		p.Visit(begun).Title(say.login)
	})
}

// RP-Initiated Logout §2: the pages that ask, that wait for other clients, and that say
// that it is done.
func TestUILocalesHoldForLoggingOut(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, database string) {
		p := withParty(t, "    first_party: true\n    frontchannel_logout_uri: PARTY/framed\n", database)
		for _, say := range readers {
			out := func(more url.Values) string {
				more.Set("ui_locales", say.asks)
				return p.idp.URL + "/oauth2/logout?" + more.Encode()
			}
			one := browser.InProcess(t, browser.Options{Base: p.idp.URL, Language: say.header})
			one.Visit(out(url.Values{})).At("/logout").Title(say.loggedOut)
			one.Visit(p.authorize("openid") + "&ui_locales=" + url.QueryEscape(say.asks))
			say.enter(one, say.who, say.pass).Title("Party 200")
			one.Visit(out(url.Values{})).Title(say.logOut).Press(say.logOut).Title(say.leave).Sees(say.party)
			one.Follow(say.onward).Title(say.loggedOut)

			one.Visit(p.authorize("openid") + "&ui_locales=" + say.lang)
			say.enter(one, say.who, say.pass).Title("Party 200")
			one.Visit(out(url.Values{"id_token_hint": {p.token("id_token")}})).Title(say.leave).Sees(say.party)
			one.Follow(say.onward).Title(say.loggedOut)
			one.Visit(out(url.Values{"id_token_hint": {"nonsense"}}))
			if got := one.Header("Content-Language"); one.Status() != 400 || got != say.lang {
				t.Errorf("a bad hint: status %d in %q, want 400 in %q", one.Status(), got, say.lang)
			}
		}
	})
}

// A request that was pushed (RFC 9126) says in which language; what stands beside its
// request_uri does not count.
func TestUILocalesOfAPushedRequest(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, database string) {
		w := start(t, false, database)
		for _, say := range readers {
			_, query, _ := strings.Cut(w.authorize("ui_locales", say.asks, "client_id", "app", "scope", "openid"), "?")
			form, err := url.ParseQuery(query)
			if err != nil {
				t.Fatal(err)
			}
			status, answer := w.form(t, "/oauth2/par", form)
			uri, _ := answer["request_uri"].(string)
			if status != http.StatusCreated {
				t.Fatalf("status %d: %v", status, answer)
			}
			w.person(t, say.header).Visit(w.URL + "/oauth2/authorize?" + url.Values{
				"client_id": {"app"}, "request_uri": {uri}, "ui_locales": {say.header},
			}.Encode()).At("/login").Title(say.login)
		}
	})
}
