package web_test

import (
	"net/url"
	"strings"
	"testing"

	"tegata/shared/browser"
)

// choice is what the page of accounts says in one language.
type choice struct {
	words
	title, stay, another string
	user, secret         string
}

var choices = []choice{
	{inEnglish, "Choose an account", "Continue with this account", "Use another account", maya, mayaPassword},
	{inJapanese, "アカウントの選択", "このアカウントで続行", "別のアカウントを使用", taro, taroPassword},
}

const connor = "connor.oneil@example.org" // whose password is good

const taro, taroPassword = "taro.yamada@example.co.jp", "Kumo7!yukigawa"

// OIDC Core §3.1.2.1: prompt=select_account names the account that is signed in and lets
// the person go on with it or take another one, without script.
func TestWhichAccount(t *testing.T) {
	for _, say := range choices {
		t.Run(say.lang, func(t *testing.T) {
			w := start(t, true)
			p := w.person(t, say.lang).Visit("/login")
			say.enter(p, say.user, say.secret).At("/profile")
			asks := w.authorize("prompt", "select_account")
			p.Visit(asks).At("/login/account").Title(say.title).Sees(say.user).Press(say.stay).At("/callback").Sees("code")

			p.Visit(asks).Press(say.another).At("/login").Title(say.logIn)
			say.enter(p, connor, good).At("/callback").Sees("code")
			p.Visit(asks).At("/login/account").Sees(connor).SeesNot(say.user)
		})
	}
}

// a client that means somebody else does not get whoever is signed in, unless that
// person says so; the page is the same whether the other one has an account or not.
func TestTheClientMeansAnotherAccount(t *testing.T) {
	w := start(t, true)
	p := w.person(t, "en").Visit("/login")
	inEnglish.enter(p, maya, mayaPassword)
	var shown []string
	for _, hint := range []string{connor, "nobodyhome@example.org"} {
		p.Visit(w.authorize("login_hint", hint)).At("/login/account").Sees("The Shop expects "+hint, maya)
		shown = append(shown, strings.ReplaceAll(p.Text(), hint, ""))
	}
	if shown[0] != shown[1] {
		t.Errorf("the page tells who has an account: %q, %q", shown[0], shown[1])
	}
	p.Visit(w.authorize("login_hint", "MAYA.lindqvist@example.com")).At("/callback").Sees("code")
	p.Visit(w.authorize("login_hint", connor, "prompt", "none")).Sees("login_required")
	p.Visit(w.authorize("login_hint", connor)).Press("Continue with this account").At("/callback").Sees("code")
	p.Visit(w.authorize("login_hint", connor)).Press("Use another account").At("/login")
	if got := p.Value(inEnglish.email); got != connor {
		t.Errorf("the form holds %q, want %q", got, connor)
	}
	p.Press(inEnglish.next).Fill(inEnglish.password, good).Press(inEnglish.logIn).At("/callback").Sees("code")
	p.Visit(w.URL + "/profile").SeesNot(maya)
	p.Visit(w.authorize("login_hint", "not an address")).At("/login/account").SeesNot("expects", "not an address")
}

func TestTheAccountPageIsThereOnlyWhenItIsAsked(t *testing.T) {
	w := start(t, true)
	p := w.person(t, "en").Visit("/login/account").At("/login") // a stranger
	inEnglish.enter(p, maya, mayaPassword)
	p.Visit("/login/account").At("/profile")
	p.Visit(w.authorize("prompt", "select_account")).At("/login/account")
	_, id, _ := strings.Cut(p.URL(), "interaction=")
	conversation := url.Values{"interaction": {id}}
	p.Visit("/login?" + conversation.Encode()).At("/login/account") // /login knows the way
	p.Visit("/consent?" + conversation.Encode()).At("/login/account")
	for _, decision := range []string{"stay", "other", "", "x"} {
		form := url.Values{"interaction": conversation["interaction"], "decision": {decision}}
		if status, _ := w.post(t, "/login/account", form); status != 303 {
			t.Errorf("%q from another browser: status %d, want to be sent to the log-in", decision, status)
		}
	}
	p.Visit("/login/account?" + conversation.Encode()).Press("日本語").At("/login/account").Press("このアカウントで続行").At("/callback")
	p.Visit(w.URL + "/login/account?" + conversation.Encode()).At("/callback") // over: the client starts afresh
}

// TestWhichAccountInChromium looks at the page in a real browser, with and without script.
func TestWhichAccountInChromium(t *testing.T) {
	for _, o := range []browser.Options{
		{Language: "ja", Width: 1280, Script: true},
		{Language: "en", Width: 360, Script: false, Dark: true},
	} {
		t.Run(o.Language, func(t *testing.T) {
			say := choices[map[string]int{"en": 0, "ja": 1}[o.Language]]
			w := start(t, true)
			o.Base = w.URL
			p := browser.Chromium(t, o)
			photo := p.Picture
			p.Visit(w.URL + "/login")
			say.enter(p, say.user, say.secret).At("/profile")
			p.Visit(w.authorize("prompt", "select_account")).Title(say.title).Sees(say.user)
			photo("account")
			p.Press(say.stay).At(w.shop.URL + "/callback")
			p.Visit(w.authorize("login_hint", connor)).Title(say.title).Sees(say.user, connor)
			photo("account-expected")
			p.Press(say.another).At("/login")
		})
	}
}
