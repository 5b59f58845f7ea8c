package web_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tegata/shared/browser"
)

// Orders says what its scopes and details mean; Plain says nothing.
const inWords = `    grant_types: [authorization_code, "urn:ietf:params:oauth:grant-type:device_code"]
    scopes: [openid, orders.read, orders.write, plain]
    resources: [https://orders.example/, https://plain.example/]
    authorization_details_types: [transfer, payment]
resources:
  - identifier: https://elsewhere.example/
    scopes: [orders.read, orders.write, plain]
    scope_names:
      orders.read: {en: Nothing to speak of}
      plain: {en: Nothing to speak of}
    authorization_details_types: [transfer, payment]
    authorization_details_names:
      transfer: {en: Nothing to speak of}
      payment: {en: Nothing to speak of}
  - identifier: https://orders.example/
    name: {en: Orders, ja: 注文}
    scopes: [orders.read, orders.write]
    scope_names:
      orders.read: {en: See your orders, ja: 注文の閲覧}
      orders.write: {en: Place orders for you}
    authorization_details_types: [transfer]
    authorization_details_names:
      transfer: {en: A transfer of money, ja: 送金}
  - identifier: https://plain.example/
    scopes: [plain]
    authorization_details_types: [payment]
`

// asksDevice asks for a code for something without a browser, as the party.
func (p *party) asksDevice(t *testing.T, form url.Values) (code string) {
	t.Helper()
	r, _ := http.NewRequest(http.MethodPost, p.idp.URL+"/oauth2/device_authorization", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("party", "secret")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var codes map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&codes); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("status %d: %v, %v", answer.StatusCode, codes, err)
	}
	return codes["user_code"].(string)
}

// People read what a resource's scopes and types of details mean, where it says so, on every
// page that asks for them or lists them, and not what another resource calls the same; where it does not, their names. RFC 9396 §11.2.
func TestScopesAndDetailsInTheWordsOfTheirResource(t *testing.T) {
	for _, say := range []struct {
		words
		user, secret, approve, code string
		means                       []string // of the scopes
		title                       string
		fallback                    string
	}{
		{inEnglish, maya, mayaPassword, "Approve", "Code", []string{"Orders: See your orders", "Orders: Place orders for you"}, "A transfer of money", "Use of https://plain.example/ (plain)"},
		{inJapanese, taro, taroPassword, "承認", "コード", []string{"注文: 注文の閲覧", "注文: Place orders for you"}, "送金", "「https://plain.example/」の利用"},
	} {
		t.Run(say.lang, func(t *testing.T) {
			p := withParty(t, inWords)
			one := browser.InProcess(t, browser.Options{Base: p.idp.URL, Language: say.lang}).Visit("/login")
			say.enter(one, say.user, say.secret).At("/profile")
			scopes, details := "openid orders.read orders.write plain", `[{"type":"transfer","amount":"5"},{"type":"payment"}]`
			all := append([]string{say.title, say.fallback, "payment"}, say.means...)
			one.Visit(p.authorize(scopes)+"&authorization_details="+url.QueryEscape(details)).At("/consent").Sees(all...).SeesNot("Nothing to speak of", "transfer (", "orders.read", "orders.write")
			one.Press(say.approve).At("/callback")
			one.Visit(p.idp.URL + "/profile/apps").Sees(say.means...).Sees(say.fallback).SeesNot("orders.read")

			code := p.asksDevice(t, url.Values{"scope": {scopes}, "authorization_details": {details}})
			one.Visit(p.idp.URL+"/device").Fill(say.code, code).Press(say.next).At("/device/confirm").Sees(all...).SeesNot("orders.read")
		})
	}
}
