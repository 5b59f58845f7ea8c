package page_test

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"
	"time"

	"tegata/shared/fault"
	"tegata/shared/locale"
	"tegata/shared/page"
	"tegata/shared/serve"
)

// signUp is a page as programs have them: every partial is on it.
const signUp = `<p class="lead">{{.T "signup.intro"}}</p>
<form id="main" method="post" action="/signup" novalidate>
{{template "legend" .}}
{{template "field" (.Field "email" "type" "email" "value" .Data.Email "autocomplete" "username" "required" true "hint" "signup.email.hint" "maxlength" 254)}}
{{template "password" (.Field "password" "required" true "autocomplete" "new-password" "rules" "password-rules")}}
{{template "rules" (.Rules "password" "signup.rules" .Data.Rules)}}
{{template "field" (.Field "given_name" "value" .Data.GivenName "required" true "autocomplete" "given-name")}}
{{template "field" (.Field "family_name" "value" .Data.FamilyName "required" true "autocomplete" "family-name")}}
{{template "select" (.Field "country" "options" .Data.Countries "value" .Data.Country "empty" "signup.country.empty" "required" true "autocomplete" "country")}}
{{template "checkbox" (.Field "news" "checked" .Data.News)}}
<p>{{.Rich "signup.consent" "terms" (.Link "/terms" "signup.terms")}}</p>
<p class="actions">{{template "submit" (.Button "register" "signup.register")}} <a href="/login">{{.T "signup.back"}}</a></p>
</form>`

const profile = `{{template "tabs" (.Tabs "profile.tabs" "/profile" "profile.home" "/profile/personal" "profile.personal" "/profile/security" "profile.security")}}
<div class="cards"><section class="card"><h2>{{.T "profile.home"}}</h2><p>{{.T "signup.intro"}}</p><p><a class="button plain" href="/x">{{.T "signup.register"}}</a></p></section>
<section class="card"><h2>{{.T "profile.security"}}</h2><dl class="facts"><div><dt>{{.T "field.email"}}</dt><dd>ada@example.org</dd></div><div><dt>{{.T "profile.last"}}</dt><dd>{{.DateTime .Data "Asia/Tokyo"}}</dd></div></dl></section></div>
<h2>{{.T "profile.personal"}}</h2>
<dl class="facts"><div><dt>{{.T "field.family_name"}}</dt><dd>Yamada</dd></div><div><dt>{{.T "field.country"}}</dt><dd>{{.Country "JP"}} <span class="badge good">{{.T "page.rule_met"}}</span></dd></div></dl>
<ol class="steps"><li class="done">{{.T "profile.home"}}</li><li class="now">{{.T "profile.personal"}}</li><li>{{.T "profile.security"}}</li></ol>
<div class="table" role="region" aria-label="{{.T "profile.tabs"}}" tabindex="0"><table><thead><tr><th scope="col">{{.T "field.email"}}</th><th scope="col">{{.T "field.country"}}</th><th scope="col">{{.T "profile.last"}}</th></tr></thead><tbody><tr><td>ada@example.org</td><td>{{.Country "JP"}}</td><td>{{.DateTime .Data "Asia/Tokyo"}}</td></tr></tbody></table></div>
<div class="empty"><p>{{.T "profile.empty"}}</p><p><a href="/x">{{.T "signup.register"}}</a></p></div>
{{template "notice" (.Notice "good" "profile.saved" "name" (.Strong "Ada <b>"))}}
{{template "notice" (.Notice "warning" "profile.empty")}}`

var sentences = fstest.MapFS{
	"en.yaml": {Data: []byte(`
signup.title: Create an account
signup.intro: One account for all services of {brand}. Use the address you will log in with.
signup.email.hint: A business address is recommended.
signup.rules: The password needs
signup.rule.length: "{min} to {max} characters"
signup.rule.upper: an upper-case letter
signup.rule.lower: a lower-case letter
signup.rule.digit: a digit
signup.rule.symbol: a symbol
signup.rule.apart: no part of your e-mail address
signup.country.empty: Please select
signup.consent: By registering you agree to the {terms}.
signup.terms: terms of use
signup.register: Register
signup.back: Back to log in
field.email: E-mail address
field.password: Password
field.given_name: Given name (roman letters)
field.family_name: Family name (roman letters)
field.country: Country or region
field.news: Send me news
name.roman: Please write the name in roman letters.
email.form: Please enter an address such as user@company.com.
profile.title: Profile
profile.tabs: Profile
profile.home: Home
profile.personal: Personal
profile.security: Account security
profile.last: Last log-in
profile.empty: There is nothing here yet.
profile.saved: Saved for {name}.
`)},
	"ja.yaml": {Data: []byte(`
signup.title: アカウントを作成
signup.intro: "{brand}のすべてのサービスを、ひとつのアカウントでご利用いただけます。ログインに使うEメールアドレスをご入力ください。"
signup.email.hint: お仕事用のEメールアドレスのご登録をおすすめします。
signup.rules: パスワードの条件
signup.rule.length: "{min}文字以上、{max}文字以内"
signup.rule.upper: 英大文字を1文字以上
signup.rule.lower: 英小文字を1文字以上
signup.rule.digit: 半角数字を1文字以上
signup.rule.symbol: 記号を1文字以上
signup.rule.apart: Eメールアドレスの一部を含まない
signup.country.empty: 選択してください
signup.consent: 登録すると、{terms}に同意したことになります。
signup.terms: ご利用条件
signup.register: 登録
signup.back: ログインに戻る
field.email: Eメールアドレス
field.password: パスワード
field.given_name: 名 (ローマ字)
field.family_name: 姓 (ローマ字)
field.country: 国や地域
field.news: お知らせを受け取る
name.roman: お名前はローマ字でご入力ください。
email.form: user@company.com の形でEメールアドレスをご入力ください。
profile.title: プロファイル
profile.tabs: プロファイル
profile.home: ホーム
profile.personal: 個人
profile.security: アカウントセキュリティ
profile.last: 最終ログイン
profile.empty: まだ何もありません。
profile.saved: "{name}さんの情報を保存しました。"
`)},
}

type form struct {
	Email, GivenName, FamilyName, Country string
	News                                  bool
	Countries                             []locale.Country
	Rules                                 []page.Rule
}

// site serves the sample pages as a program does.
func site(t testing.TB) string {
	t.Helper()
	catalog, err := locale.Load(page.Locales(), sentences)
	if err != nil {
		t.Fatal(err)
	}
	brand, err := page.ReadBrand("")
	if err != nil {
		t.Fatal(err)
	}
	set, err := page.New(page.Options{
		Program: "idp", Catalog: catalog, Brand: brand,
		Templates: []fs.FS{fstest.MapFS{"signup.html": {Data: []byte(signUp)}, "profile.html": {Data: []byte(profile)}}},
		Shell: func(*http.Request) *page.Shell {
			return &page.Shell{
				Links:  []page.Link{{Href: "/profile", Key: "profile.home"}, {Href: "/personal", Key: "profile.personal"}, {Href: "/security", Key: "profile.security"}},
				Person: "Ada Lovelace", Account: "/profile", LogOut: "/logout",
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	front := serve.Front{Log: slog.New(slog.DiscardHandler), Problem: set.Status}
	server := httptest.NewServer(front.Handler(serve.CrossSite(set.Status)(set.Around(routes(set)))))
	t.Cleanup(server.Close)
	return server.URL
}

// refusals are what a handler gives for each status that has a page.
var refusals = map[string]error{
	"400": fault.New(fault.Invalid, "", ""), "403": fault.New(fault.Denied, "", ""), "404": fault.New(fault.NotFound, "", ""),
	"409": fault.New(fault.Conflict, "", ""), "410": fault.New(fault.Expired, "", ""), "413": &http.MaxBytesError{Limit: 1},
	"429": fault.Later("refused.too_many", 150*time.Second), "500": errBroken, "503": &fault.Error{Kind: fault.Busy, Key: "refused.busy", RetryAfter: 6 * time.Second},
	"503-late": context.DeadlineExceeded,
}

func routes(set *page.Set) *http.ServeMux {
	mux := http.NewServeMux()
	show := func(w http.ResponseWriter, r *http.Request, f form, problem error) error {
		f.Countries, f.Rules = locale.Countries(page.Language(r)), rules(problem != nil)
		return set.Show(w, r, page.Page{Template: "signup", Title: "signup.title", Data: f, Problem: problem})
	}
	mux.Handle("GET /signup", set.Handler(func(w http.ResponseWriter, r *http.Request) error { return show(w, r, form{}, nil) }))
	mux.Handle("POST /signup", set.Handler(func(w http.ResponseWriter, r *http.Request) error {
		f := form{Email: r.PostFormValue("email"), GivenName: r.PostFormValue("given_name"), FamilyName: r.PostFormValue("family_name"), Country: r.PostFormValue("country"), News: r.PostFormValue("news") != ""}
		if page.Switched(r) {
			return show(w, r, f, nil)
		}
		var refused fault.Fields
		if f.Email == "" || f.Email == "abc" {
			refused.Add(fault.New(fault.Invalid, "email", "email.form"))
		}
		if f.GivenName == "山田" {
			refused.Add(fault.New(fault.Invalid, "given_name", "name.roman"))
		}
		if err := refused.Err(); err != nil {
			return show(w, r, f, err)
		}
		return set.See(w, r, "/profile")
	}))
	mux.Handle("GET /profile", set.Handler(func(w http.ResponseWriter, r *http.Request) error {
		return set.Show(w, r, page.Page{Template: "profile", Title: "profile.title", Wide: true, Data: time.Date(2019, 11, 7, 3, 2, 0, 0, time.UTC)})
	}))
	mux.Handle("GET /slow", set.Handler(func(http.ResponseWriter, *http.Request) error {
		return fault.Later("limit.too_many", 150*time.Second)
	}))
	mux.Handle("GET /refused/{kind}", set.Handler(func(_ http.ResponseWriter, r *http.Request) error { return refusals[r.PathValue("kind")] }))
	mux.Handle("GET /broken", set.Handler(func(http.ResponseWriter, *http.Request) error { return errBroken }))
	mux.Handle("POST /language", set.Switch())
	mux.Handle("GET /static/", set.Static())
	return mux
}

func rules(sent bool) []page.Rule {
	list := []page.Rule{
		{Key: "signup.rule.length", Args: map[string]any{"min": 12, "max": 60}, Test: "length 12 60"},
		{Key: "signup.rule.upper", Test: "upper"}, {Key: "signup.rule.lower", Test: "lower"},
		{Key: "signup.rule.digit", Test: "digit"}, {Key: "signup.rule.symbol", Test: "symbol"},
		{Key: "signup.rule.apart", Test: "apart email"},
	}
	for i := range list {
		if sent {
			list[i].State = []string{"met", "unmet"}[i%2]
		}
	}
	return list
}
