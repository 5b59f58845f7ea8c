package oidc_test

import (
	"net/url"
	"strings"
	"testing"

	"tegata/idp/clients"
	"tegata/idp/oidc"
	"tegata/idp/schema"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// What an access token that comes through the browser cannot carry is refused at once: nobody
// is sent to log in, or to allow it, for nothing. RFC 9396 §5, RFC 8707 §2.1.
func TestWhatATokenThroughTheBrowserCannotCarryIsRefusedAtOnce(t *testing.T) {
	kinds := []string{"code token", "code id_token token", "id_token token"}
	w := takePayments(t, startWith(t, func(p *oidc.Provider) { p.ResponseTypes = kinds })) // nobody is signed in
	w.edit("shop", func(c *clients.Client) {
		c.ResponseTypes, c.GrantTypes, c.FirstParty = append(kinds, "code", "code id_token"), append(c.GrantTypes, clients.Implicit), false
	})
	const note = `{"text":"x","type":"note"}`
	for _, kind := range kinds {
		for change, want := range map[string]string{
			"authorization_details=[" + transfer + "]": "invalid_target", // of a resource
			"authorization_details=[" + note + "]":     "invalid_authorization_details",
			"resource=" + orders:                       "invalid_target",
			"scope=openid orders.read":                 "invalid_target",
		} {
			got := w.authorize("shop", "response_type="+kind, "scope=openid", change)
			_, fragment, _ := strings.Cut(got.Header.Get("Location"), "#")
			sent, err := url.ParseQuery(fragment)
			must(t, err)
			if got.StatusCode != 303 || sent.Get("error") != want || sent.Get("state") != "the-state" {
				t.Errorf("%s, %s: status %d, Location %q, want %s", kind, change, got.StatusCode, got.Header.Get("Location"), want)
			}
		}
		w.asks("/login", "shop", "response_type="+kind, "scope=openid")
	}
	w.asks("/login", "shop", "authorization_details=["+transfer+"]")
}

// What a person is asked to allow can be put into a token, for every length there is: else it
// is refused before anybody is asked. RFC 9396 §5.
func TestDetailsTooLongForATokenAreRefusedAtOnce(t *testing.T) {
	w := withPayments(t, dbtest.SQLite(t, schema.FS))
	for kind, lengths := range map[string][2]int{"transfer": {3000, 7000}, "payment": {8000, 13000}} { // a JWT, and an opaque one
		var taken, refused int
		for length := lengths[0]; length <= lengths[1]; length += 250 {
			details := `authorization_details=[{"text":"` + strings.Repeat("x", length) + `","type":"` + kind + `"}]`
			pushed := w.post("/oauth2/par", request("shop", "scope=openid", details), basicAuth("shop", basicSecret))
			if pushed.StatusCode != 201 {
				wantError(t, pushed, 400, "invalid_authorization_details")
				refused++
				continue
			}
			taken++
			code := w.get("/oauth2/authorize?" + url.Values{"client_id": {"shop"}, "request_uri": {pushed.json(t)["request_uri"].(string)}}.Encode()).sent(t).Get("code")
			if got := w.ask("shop", clients.AuthorizationCode, "code="+code, "redirect_uri="+callback, "code_verifier="+verifier); got.StatusCode != 200 {
				t.Errorf("%s of %d characters: %s", kind, length, got.Body)
			}
		}
		if taken == 0 || refused == 0 {
			t.Errorf("%s: %d taken and %d refused", kind, taken, refused)
		}
	}
}

// Details of two resources whose tokens differ need resource at the token endpoint. Who leaves
// it out is told so, and may ask once more with the same code. RFC 8707 §2.2, RFC 9396 §6.
func TestDetailsOfTwoFormatsSayThatResourceIsMissing(t *testing.T) {
	w := withPayments(t, dbtest.SQLite(t, schema.FS))
	code := w.code("shop", "scope=openid", "authorization_details=["+transfer+","+payment+"]")
	redeem := func(changes ...string) answer {
		return w.ask("shop", clients.AuthorizationCode, append([]string{"code=" + code, "redirect_uri=" + callback, "code_verifier=" + verifier}, changes...)...)
	}
	got := redeem()
	wantError(t, got, 400, "invalid_target")
	if says := got.json(t)["error_description"].(string); !strings.Contains(says, "send resource, to say which one") {
		t.Errorf("it says %q", says)
	}
	w.carries("with resource", redeem("resource="+invoices), "invoices-api", "["+payment+"]")
}

// Nobody is there to be asked where an assertion is brought, and details are asked for each
// time: only a client of our own gets them. RFC 9396 §5, RFC 7523 §2.1.
func TestAnAssertionBringsNoDetailsToAStrangersClient(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := startOn(t, d).logIn()
		key := services(t, w, func(c *clients.Client) {
			if c.ID == "batch" {
				c.Resources, c.DetailTypes, c.Scopes = []string{orders}, []string{"transfer"}, append(c.Scopes, "orders.read")
				c.GrantTypes, c.RedirectURIs = append(c.GrantTypes, clients.AuthorizationCode), []string{callback}
			}
		})
		bearer := func(changes ...string) answer {
			return w.ask("batch", clients.JWTBearer, append([]string{"assertion=" + w.bearerJWT(key, nil), "scope=openid orders.read"}, changes...)...)
		}
		details := "authorization_details=[" + transfer + "]"
		w.carries("our own", bearer(details, "resource="+orders), "orders-api", "["+transfer+"]")
		w.edit("batch", func(c *clients.Client) { c.FirstParty = false })
		wantError(t, bearer(), 400, "invalid_grant") // nothing was allowed yet
		w.consents(w.asks("/consent", "batch", "scope=openid orders.read"))
		ok(t, bearer())
		got := bearer(details)
		wantError(t, got, 400, "invalid_authorization_details")
		if says := got.json(t)["error_description"].(string); !strings.Contains(says, "asked") {
			t.Errorf("it says %q", says)
		}
	})
}
