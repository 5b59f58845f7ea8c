package web_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"tegata/shared/browser"
	"tegata/shared/db/dbtest"
)

// Claims that are asked for one by one are on the page like the scopes that carry them,
// remembered like these, and end with a withdrawal. OIDC Core §3.1.2.4, §5.5.
func TestSingleClaimsAreShownAndRemembered(t *testing.T) {
	type words struct{ lang, email, phone, profile, approve, withdraw, ended string }
	for _, say := range []words{
		{"en", "Your email address", "Your phone number", "Your profile", "Approve", "End access of The Party", "access has ended"},
		{"ja", "Eメールアドレス", "電話番号", "プロファイル情報", "承認", "「パーティー」のアクセスを取り消す", "アクセスを取り消しました"},
	} {
		t.Run(say.lang, func(t *testing.T) {
			dbtest.EachURL(t, func(t *testing.T, database string) {
				p := withParty(t, "    scopes: [openid, email, phone]\n", database)
				asks := func(claims string) string { return p.authorize("openid") + "&claims=" + url.QueryEscape(claims) }
				one := browser.InProcess(t, browser.Options{Base: p.idp.URL, Language: say.lang})
				enter := inEnglish
				if say.lang == "ja" {
					enter = inJapanese
				}
				enter.enter(one.Visit(p.idp.URL+"/profile/apps"), maya, mayaPassword)
				if say.lang == "ja" { // her account says English
					one.Press("日本語")
				}
				one.Visit(p.authorize("openid")).At("/consent").SeesNot(say.phone).Press(say.approve).Title("Party 200")
				wanted := asks(`{"userinfo":{"phone_number":{"essential":true},"birthdate":null},"id_token":{"email":null}}`)
				one.Visit(wanted + "&prompt=none").At("/callback").SeesNot("Party 200")
				one.Visit(wanted).At("/consent").Sees(say.email, say.phone).SeesNot(say.profile).Press(say.approve).Title("Party 200")
				if got := p.userinfo(t); got["phone_number"] == nil || len(got) != 2 {
					t.Errorf("userinfo %v, want sub and the phone number alone", got)
				}
				one.Visit(wanted + "&prompt=none").Title("Party 200") // remembered
				one.Visit(p.idp.URL+"/profile/apps").Sees(say.email, say.phone).SeesNot(say.profile)
				one.Press(say.withdraw).Sees(say.ended)
				p.idp.Clock.Move(time.Second)
				if got := p.userinfo(t); got["phone_number"] != nil {
					t.Errorf("after the withdrawal: %v", got)
				}
				one.Visit(wanted).At("/consent").Sees(say.phone)
			})
		})
	}
}

// userinfo is what the client learns with its newest token; nothing when it is refused.
func (p *party) userinfo(t *testing.T) (told map[string]any) {
	t.Helper()
	req, _ := http.NewRequest(http.MethodGet, p.idp.URL+"/oauth2/userinfo", nil)
	req.Header.Set("Authorization", "Bearer "+p.token("access_token"))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(&told); err != nil {
		t.Fatal(err)
	}
	return told
}
