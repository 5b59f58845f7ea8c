package web_test

import (
	"testing"

	"tegata/shared/browser"
	"tegata/shared/clock"
	"tegata/shared/db/dbtest"
	"tegata/shared/program/programtest"
	"tegata/tracker/app/apptest"
)

// house is a tracker with an honest provider.
type house struct {
	*apptest.Tracker
	Provider *apptest.Provider
}

func open(t testing.TB, databaseURL string) house {
	t.Helper()
	held := clock.Hold(programtest.Began)
	provider := apptest.StartProvider(t, held)
	return house{apptest.Start(t, apptest.Options{Issuer: provider.URL, Clock: held, DatabaseURL: databaseURL}), provider}
}

// onBoth runs a story on SQLite and on PostgreSQL.
func onBoth(t *testing.T, story func(t *testing.T, h house)) {
	dbtest.EachURL(t, func(t *testing.T, rawURL string) { story(t, open(t, rawURL)) })
}

// person is somebody with a browser of her own who reads Japanese or English.
func (h house) person(t testing.TB, language string) *browser.Person {
	return browser.InProcess(t, browser.Options{Language: language})
}

// welcomed logs in and completes the first log-in in English.
func (h house) welcomed(t testing.TB) *browser.Person {
	t.Helper()
	p := h.person(t, "en").Visit(h.URL + "/").Follow("Log in").At("/welcome/address")
	fillAddress(p).Press("UPDATE ADDRESS").At("/welcome/settings")
	return p.Choose("Language", "English").Press("UPDATE").At("/home")
}

func fillAddress(p *browser.Person) *browser.Person {
	return p.Fill("Address line 1", "1-2-3 Akasaka").Fill("City", "Minato-ku").
		Fill("State, province or prefecture", "Tokyo").Fill("Postal code", "1076227")
}

// The main job, from the start page to the external IDs (S-181 … S-202), in Japanese.
func TestAPersonLogsInAndSeesWhoseNumbersTheseAre(t *testing.T) {
	onBoth(t, func(t *testing.T, h house) {
		p := h.person(t, "ja")
		p.Visit(h.URL+"/").Sees("認定のすべてを、ひとつの場所に").Follow("ログイン").At("/welcome/address").
			Sees("必須", "Mailing Address（郵送先住所）")
		if got := p.Value("受取人氏名"); got != "Ada Lovelace" {
			t.Errorf("recipient is %q, want the name from the provider", got)
		}

		p.Press("UPDATE ADDRESS（アドレスを更新）").At("/welcome/address").Sees("市区町村を入力してください。", "住所1を入力してください。")
		p.Fill("郵便番号", "１０７６２２７").Fill("都道府県・州", "Tokyo").Fill("市区町村", "Minato-ku").
			Fill("住所1", "1-2-3 Akasaka").Press("UPDATE ADDRESS（アドレスを更新）").At("/welcome/settings")
		p.Press("UPDATE（更新）").At("/home").Sees("Lovelace Ada 様", "CSCO")

		p.Follow("PERSONAL INFO（個人情報）").At("/personal").
			Sees("External IDs（関連アカウント）", "Tegataアカウント", "ada@example.org", "CSCO", "Credly", "VUE", "未リンク")
		p.Fill("Company Name（会社名）", "株式会社テガタ").Press("UPDATE INFORMATION（情報を更新）").
			Sees("更新が保存されました。", "2026年4月6日(月) 10:30 JST")
		p.Follow("Settings（設定）").Sees("CCDE #", "CCIE #", "DevNet #", "NetAcad ID", "—")
		p.Press("ログアウト").Sees("ログアウトしました。")
	})
}
