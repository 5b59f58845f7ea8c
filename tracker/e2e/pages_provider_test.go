package e2e_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	idptest "tegata/idp/app/apptest"
	idpclients "tegata/idp/clients"
	"tegata/shared/browser"
)

// applications are what people meet at the provider: one that we know, one that nobody
// has looked at, one that wants money, one with a name of sixty characters, a device, and
// one with a log-out page.
const applications = `clients:
  - client_id: books
    client_name: {en: Kawara Books, ja: 瓦書房}
    redirect_uris: [SITE/callback]
    client_secret_digests: [2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b]
    client_uri: https://books.example/
    policy_uri: https://books.example/privacy
    tos_uri: https://books.example/terms
    scopes: [openid, profile, email, address, phone, offline_access, orders.read]
    grant_types: [authorization_code, refresh_token]
    resources: [https://orders.example/]
    post_logout_redirect_uris: [SITE/bye]
    frontchannel_logout_uri: SITE/framed
  - client_id: stranger
    client_name: {en: Cheap Certificates 24, ja: 格安証明書24}
    redirect_uris: [SITE/callback]
    token_endpoint_auth_method: none
    unverified: true
  - client_id: bank
    client_name: {en: Minato Bank, ja: みなと銀行}
    redirect_uris: [SITE/callback]
    token_endpoint_auth_method: none
    resources: [https://accounts.example/]
    authorization_details_types: [transfer]
  - client_id: guild
    client_name: {en: Donaudampfschifffahrtsgesellschaftskapitaenswitwenvereinigung, ja: 独立行政法人全国情報通信技術者能力認定推進機構関東甲信越地域統括センター会員専用受験申込窓口}
    redirect_uris: [SITE/callback]
    token_endpoint_auth_method: none
  - client_id: studio
    client_name: {en: Tegata Studio, ja: Tegata Studio}
    redirect_uris: [SITE/callback]
    token_endpoint_auth_method: none
    first_party: true
  - client_id: silent
    client_name: {en: Kura Archive, ja: 蔵アーカイブ}
    redirect_uris: [SITE/callback]
    token_endpoint_auth_method: none
  - client_id: television
    client_name: {en: Hibiki Television, ja: ひびきテレビ}
    token_endpoint_auth_method: none
    grant_types: ["urn:ietf:params:oauth:grant-type:device_code"]
    scopes: [openid, profile, email]
resources:
  - identifier: https://orders.example/
    name: {en: Kawara Orders, ja: 瓦書房の注文}
    scopes: [orders.read]
  - identifier: https://accounts.example/
    name: {en: Minato accounts, ja: みなと銀行の口座}
    scopes: [balance]
    authorization_details_names:
      transfer: {en: Transfer of money, ja: 送金}
    authorization_details_types: [transfer]
`

// TestEveryPageOfTheProvider goes through what people see when applications and devices
// ask for something, as TestEveryPage does; once more without script, as far as that
// makes a difference. Each language has one width, but for `make screens`: axe looks at
// all templates in idp/web.
func TestEveryPageOfTheProvider(t *testing.T) {
	for lang, usual := range map[string]string{"en": "phone", "ja": "desktop"} {
		for device, width := range map[string]int{"desktop": 1280, "phone": 320} {
			if device != usual && os.Getenv("TEGATA_SCREENS") == "" {
				continue
			}
			t.Run(lang+" "+device, func(t *testing.T) {
				t.Parallel()
				v := meet(t, lang, device)
				v.Person = browser.Chromium(t, browser.Options{Width: width, Script: true, Language: lang})
				v.consents()
				v.apps()
				v.devices()
				v.doctor()
				v.refusals()
				v.leaving()
				v.Person = browser.Chromium(t, browser.Options{Width: width, Language: lang})
				v.plain()
			})
		}
	}
}

// meet runs the provider with those applications, and a site where all of them are.
func meet(t *testing.T, lang, device string) *visitor {
	t.Helper()
	mux := http.NewServeMux()
	site := httptest.NewServer(mux)
	t.Cleanup(site.Close)
	v := &visitor{t: t, lang: lang, device: device}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if code := r.FormValue("code"); code != "" {
			v.redeem(r.FormValue("state"), code)
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>The site</title><link rel="icon" href="data:,"><h1>The site</h1>`)
	})
	v.site = strings.Replace(site.URL, "127.0.0.1", "localhost", 1)
	v.w = &world{IDP: idptest.Start(t, idptest.Options{Clients: strings.ReplaceAll(applications, "SITE", v.site)})}
	return v
}

// redeem turns the code of an application into tokens, so that it counts as connected.
func (v *visitor) redeem(client, code string) {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {v.site + "/callback"}, "code_verifier": {verifier}}
	if client != "books" {
		form.Set("client_id", client)
	}
	ask, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, v.w.IDP.URL+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Error(err)
		return
	}
	ask.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if client == "books" {
		ask.SetBasicAuth("books", "secret")
	}
	answer, err := http.DefaultClient.Do(ask)
	if err != nil {
		v.t.Error(err)
		return
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		v.t.Errorf("the code of %s: status %d", client, answer.StatusCode)
	}
}

// authorize is where an application sends people.
func (v *visitor) authorize(client string, more ...string) string {
	challenge := sha256.Sum256([]byte(verifier))
	q := url.Values{
		"client_id": {client}, "state": {client}, "redirect_uri": {v.site + "/callback"}, "response_type": {"code"}, "scope": {"openid profile email"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return v.w.IDP.URL + "/oauth2/authorize?" + q.Encode()
}

// readers are demo people with their passwords, by the language they have chosen.
var readers = map[string][2]string{
	"en": {"maya.lindqvist@example.com", "brisk Walnut, 4 kites"},
	"ja": {"hanako.sato@example.jp", "Mizu&Sora2tabi"},
}

const transfer = `[{"type":"transfer","instructedAmount":{"currency":"JPY","amount":"12500"},"creditorName":"Kawara Books","remittanceInformation":"Order 2026-1187"}]`

func (v *visitor) enter() {
	v.t.Helper()
	v.Fill(v.idp("field.email"), readers[v.lang][0]).Press(v.idp("login.next"))
	v.Fill(v.idp("field.password"), readers[v.lang][1]).Press(v.idp("login_password.login"))
}

func (v *visitor) consents() {
	v.Visit(v.authorize("studio"))
	v.enter()
	v.At(v.site) // ours: nothing is asked
	v.Visit(v.w.IDP.URL + "/profile/apps")
	v.judge("apps-one")
	v.Visit(v.authorize("books", "prompt", "login"))
	v.judge("login-about-client")
	v.Visit(v.authorize("stranger", "prompt", "login"))
	v.judge("login-unverified")
	v.Visit(v.authorize("books", "prompt", "select_account"))
	v.judge("login-account")
	v.Visit(v.authorize("guild", "login_hint", "a.person.with.a.rather.long.name@subsidiary.example.org"))
	v.judge("login-account-expected")
	v.Visit(v.authorize("books"))
	v.judge("consent")
	v.Press(v.idp("consent.allow")).At(v.site)
	v.Visit(v.authorize("books", "scope", "openid profile email address phone offline_access orders.read", "prompt", "consent", "resource", "https://orders.example/"))
	v.judge("consent-many-scopes")
	v.Press(v.idp("consent.allow")).At(v.site)
	v.Visit(v.authorize("stranger"))
	v.judge("consent-unverified")
	v.Press(v.idp("consent.allow")).At(v.site)
	v.Visit(v.authorize("bank", "authorization_details", transfer))
	v.judge("consent-details")
	v.Press(v.idp("consent.allow")).At(v.site)
	v.Visit(v.authorize("guild"))
	v.judge("consent-long-name")
	v.Press(v.idp("consent.allow")).At(v.site)
}

func (v *visitor) apps() {
	v.Visit(v.w.IDP.URL + "/profile/apps")
	v.judge("apps")
	v.Press(v.w.IDP.Catalog.Text(v.lang, "apps.end_named", map[string]any{"client": map[string]string{"en": "Minato Bank", "ja": "みなと銀行"}[v.lang]}))
	v.judge("apps-ended")
}

func (v *visitor) devices() {
	v.Visit(v.w.IDP.URL + "/device")
	v.judge("device")
	v.Press(v.idp("device.next"))
	v.judge("device-no-code")
	v.Fill(v.idp("field.user_code"), "AEIO-UAEI").Press(v.idp("device.next"))
	v.judge("device-wrong-code")
	v.types()
	v.judge("device-confirm")
	v.Press(v.idp("consent.allow")).At("/device/done")
	v.judge("device-done")
	v.types()
	confirm := v.URL()
	v.Press(v.idp("consent.deny")).At("/device/denied")
	v.judge("device-denied")
	v.refused(http.StatusGone, confirm, "device-over")
}

// types has the television ask, and types its code.
func (v *visitor) types() {
	v.t.Helper()
	answer, err := http.PostForm(v.w.IDP.URL+"/oauth2/device_authorization", url.Values{"client_id": {"television"}, "scope": {"openid profile email"}})
	if err != nil {
		v.t.Fatal(err)
	}
	defer answer.Body.Close()
	var codes struct {
		Code string `json:"user_code"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&codes); err != nil {
		v.t.Fatal(err)
	}
	v.Visit(v.w.IDP.URL+"/device").Fill(v.idp("field.user_code"), codes.Code).Press(v.idp("device.next")).At("/device/confirm")
}

func (v *visitor) doctor() {
	v.Visit(v.share("silent"))
	v.judge("doctor-empty")
	v.Visit(v.authorize("books"))
	v.refused(http.StatusBadRequest, v.authorize("books", "redirect_uri", v.site+"/callbock"), "problem-redirect-uri")
	v.Visit(v.authorize("books", "scope", "openid groups"))
	v.Visit(v.authorize("books", "response_type", "id_token"))
	if err := v.w.IDP.Diary.Flush(v.t.Context()); err != nil {
		v.t.Fatal(err)
	}
	v.Visit(v.share("books"))
	v.judge("doctor")
}

// share gives the link for a developer.
func (v *visitor) share(client string) string {
	v.t.Helper()
	token, err := idpclients.ShareLink(v.t.Context(), v.w.IDP.Once, client, v.w.IDP.Clock.Now())
	if err != nil {
		v.t.Fatal(err)
	}
	return v.w.IDP.URL + "/doctor?token=" + token
}

func (v *visitor) refusals() {
	v.refused(http.StatusBadRequest, v.w.IDP.URL+"/oauth2/logout?id_token_hint=forged", "problem-logout")
	v.refused(http.StatusNotFound, v.w.IDP.URL+"/doctor?token=old", "problem-doctor")
}

func (v *visitor) leaving() {
	v.Visit(v.w.IDP.URL + "/logout")
	v.judge("logout")
}

// plain is what differs without script: answers that are posted wait for a button, and
// the page that logs out elsewhere waits for its own time.
func (v *visitor) plain() {
	v.Visit(v.authorize("books", "response_mode", "form_post", "prompt", "consent"))
	v.enter()
	v.At("/consent")
	v.judge("consent-plain")
	v.Press(v.idp("consent.allow"))
	v.judge("form-post")
	v.Press("Continue / 続ける").At(v.site)
	v.Visit(v.w.IDP.URL + "/logout").Press(v.idp("logout.confirm"))
	v.Picture("leave") // axe objects to its refresh, which is for those without script; idp/web shows it the rest
}
