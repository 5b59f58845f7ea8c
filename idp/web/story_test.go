package web_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"tegata/shared/db/dbtest"
)

// TestFromShopToShop is the main job: from a client through sign-up, mail and log-in
// back to it, in both languages, without script (S-014 … S-050).
func TestFromShopToShop(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, database string) {
		w := start(t, true, database)
		for _, say := range []words{inEnglish, inJapanese} {
			email := "taro." + say.lang + "@tokyo.example"
			taro := w.person(t, say.lang)
			taro.Visit(w.authorize()).At("/login").Follow(say.signUp).At("/signup")
			say.fillSignUp(taro, email)
			taro.Press(say.register).At("/signup/sent").Title(say.sent).Sees(email, "no-reply@localhost")

			letter := w.Mail(t, email)
			taro.Visit(letter.Links[0]).At("/activate").Press(say.activate).Title(say.proved)
			taro.Follow(say.back).At("/login")
			say.enter(taro, strings.ToUpper(email), good).At(w.shop.URL + "/callback").Sees("code")

			taro.Visit(letter.Links[0]).At("/activate").Follow(say.back).At(w.shop.URL + "/callback") // S-044: friendly when repeated
			taro.Visit(w.URL).Title(say.nextWhat)
		}
	})
}

// TestCodeInsteadOfLink types the code of the mail on the page that stayed open (S-040).
func TestCodeInsteadOfLink(t *testing.T) {
	w := start(t, true)
	say := inJapanese
	taro := w.person(t, "ja").Visit("/signup")
	say.fillSignUp(taro, "taro@tokyo.example")
	taro.Press(say.register)
	code := w.Mail(t, "taro@tokyo.example").Code
	taro.Fill(say.code, "00000000").Press(say.activate).At("/signup/sent").Sees("一致しません")
	taro.Fill(say.code, code[:4]+" "+code[4:]).Press(say.activate).Title(say.proved)
	taro.Follow(say.back)
	say.enter(taro, "taro@tokyo.example", good).At("/profile").Sees("有効化が完了し", "Yamada Taro", "JP / JA")
}

// TestMailInAnotherBrowser opens the mail elsewhere: after log-in the client starts
// afresh there and the place wanted is kept (OIDC Core §4).
func TestMailInAnotherBrowser(t *testing.T) {
	w := start(t, true)
	say := inEnglish
	target := w.shop.URL + "/basket?of=taro"
	desk := w.person(t, "en").Visit(w.authorize("target_link_uri", target)).Follow(say.signUp)
	say.fillSignUp(desk, "taro@tokyo.example")
	desk.Press(say.register)

	phone := w.person(t, "en").Visit(w.Mail(t, "taro@tokyo.example").Links[0]).Press(say.activate)
	phone.Follow(say.back).Sees("You started in another browser", "The Shop")
	say.enter(phone, "taro@tokyo.example", good).At("/callback").Sees("code")
}

// TestLanguageSwitchKeepsWhatWasTyped: S-006, S-007, S-020.
func TestLanguageSwitchKeepsWhatWasTyped(t *testing.T) {
	w := start(t, true)
	p := w.person(t, "en").Visit("/signup").Sees("US / EN")
	inEnglish.fillSignUp(p, "not an address")
	p.Fill(inEnglish.password, "short").Press(inEnglish.register).Sees("user@company.com")
	p.Fill(inEnglish.given, "Hanako").Press(inEnglish.other).At("/signup").Sees("JP / JA", "半角文字で「user@company.com」の形式で入力してください。")
	for label, want := range map[string]string{
		inJapanese.email: "not an address", inJapanese.given: "Hanako", inJapanese.country: "日本", inJapanese.password: "",
	} {
		if got := p.Value(label); got != want {
			t.Errorf("%s holds %q, want %q", label, got, want)
		}
	}
	p.Visit("/terms").Title("ご利用条件").Press("English").At("/terms").Title("Terms of use")
}

// TestConsentIsAsked: a client that is not ours gets nothing before somebody approves.
func TestConsentIsAsked(t *testing.T) {
	w := start(t, false)
	p := w.person(t, "en").Visit(w.authorize())
	inEnglish.enter(p, "connor.oneil@example.org", good).At("/consent")
	p.Sees("The Shop", "Your email address", "That you have logged in").Press("Deny").At("/callback").Sees("access_denied")
	p.Visit(w.authorize()).At("/consent").Press("Approve").At("/callback").Sees("code")
	p.Visit(w.authorize()).At("/callback").Sees("code") // remembered
}

// TestDirectLogIn: the bare host is the log-in, and the profile afterwards (S-011, S-115).
func TestDirectLogIn(t *testing.T) {
	w := start(t, true)
	say := inJapanese
	p := w.person(t, "ja").Visit("/").Title("ログイン").Sees("アカウントをお持ちでないですか?", "ヘルプ", "Eメールアドレスをお忘れですか?")
	say.enter(p, "taro.yamada@example.co.jp", "Kumo7!yukigawa").At("/profile").Title(say.nextWhat).
		Sees("お世話になっております。たろう 様")
	p.Visit("/").Title(say.nextWhat).Visit("/login").At("/profile")
	p.Press("ログアウト").Title("ログアウトしました")
	p.Visit("/profile").At("/login")

	w.moved(3 * time.Hour)
	p.Visit("/")
	say.enter(p, "taro.yamada@example.co.jp", "Kumo7!yukigawa").Sees("最終ログイン: 2026年4月6日(月) 10:30 JST")
	p.Visit("/logout").Title("ログアウト").Press("ログアウト").Title("ログアウトしました")
}

// TestResend: only the newest mail works, not too often (S-042).
func TestResend(t *testing.T) {
	w := start(t, true)
	say := inEnglish
	p := w.person(t, "en").Visit("/signup")
	say.fillSignUp(p, "taro@tokyo.example")
	p.Press(say.register)
	first := w.Mail(t, "taro@tokyo.example").Links[0]
	w.moved(2 * time.Minute)
	p.Press(say.resend).Sees(say.sentAgain)
	if n := len(waitForMails(t, w, "taro@tokyo.example", 2)); n != 2 {
		t.Fatalf("%d mails, want 2", n)
	}
	p.Press(say.resend).Sees("too many attempts")
	if got := p.Status(); got != 429 {
		t.Errorf("status %d, want 429", got)
	}
	p.Visit(first).Title("Please use the newer email")
	newest := w.Mail(t, "taro@tokyo.example").Links[0]
	w.moved(7*24*time.Hour + time.Second)
	p.Visit(newest).Title("This link is too old").Press("Send a new email").At("/signup/sent").Sees(say.sentAgain, "taro@tokyo.example")
}

// TestNothingPrivateInURLs: no address, password or token of ours stands in a URL,
// except the token in the link of the mail.
func TestNothingPrivateInURLs(t *testing.T) {
	w := start(t, true)
	say := inEnglish
	p := w.person(t, "en").Visit(w.authorize()).Follow(say.signUp)
	say.fillSignUp(p, "taro@tokyo.example")
	var seen []string
	note := func() { u, _ := url.QueryUnescape(p.URL()); seen = append(seen, u) }
	p.Press(say.register)
	note()
	p.Visit(w.Mail(t, "taro@tokyo.example").Links[0]).Press(say.activate)
	note()
	p.Follow(say.back).Fill(say.email, "taro@tokyo.example").Press(say.next)
	note()
	p.Fill(say.password, "wrong").Press(say.logIn)
	note()
	for _, u := range seen {
		if strings.Contains(u, "taro") || strings.Contains(u, "token") || strings.Contains(u, "wrong") {
			t.Errorf("private: %s", u)
		}
	}
}

// TestEveryLinkOfThePagesAnswers follows what stands in footer and text (S-010, S-174).
func TestEveryLinkOfThePagesAnswers(t *testing.T) {
	w := start(t, true)
	for _, say := range []words{inEnglish, inJapanese} {
		p := w.person(t, say.lang)
		for _, path := range []string{"/login", "/signup", "/signup/sent", "/help", "/guide", "/contact", "/contact?about=signup", "/privacy", "/terms",
			"/cookies", "/trademarks", "/forgot-password", "/forgot-email", "/activate/done", "/dev/postbox"} {
			p.Visit(path)
			for _, link := range ours(p.HTML()) {
				if status, _ := w.send(t, "GET", link, nil); status >= 400 {
					t.Errorf("%s links to %s: %d", path, link, status)
				}
			}
		}
		for _, anchor := range []string{"login", "sign-up", "forgot-password", "reset", "profile", "change", "forgot-email", "email-change", "customer", "partner", "supply-chain"} {
			if !strings.Contains(p.Visit("/help").HTML(), `id="`+anchor+`"`) {
				t.Errorf("%s: the help has no section %s", say.lang, anchor)
			}
		}
	}
}
