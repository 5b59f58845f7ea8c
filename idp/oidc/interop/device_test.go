package interop_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	zitadel "github.com/zitadel/oidc/v3/pkg/oidc"

	"tegata/shared/browser"
)

// A device has no consent page of a log-in: the person types its code and approves it
// by name (RFC 8628).
var device = []string{
	`grant_types: ["urn:ietf:params:oauth:grant-type:device_code", refresh_token]`,
	"scopes: [openid, profile, email, offline_access]", "token_endpoint_auth_method: none",
}

// TestOpenIDClientAsADevice is openid-client's device flow.
func TestOpenIDClientAsADevice(t *testing.T) {
	at := npm(t, "openid-client", "device.mjs")
	w := start(t, device...)
	w.run(at, nil, "node", "device.mjs")
	w.connect(saw{TokenType: "bearer", Refresh: true, Revoked: true})
}

// TestZitadelAsADevice is zitadel/oidc's device flow. Its device has no nonce to check;
// the ID token is verified as for a log-in.
func TestZitadelAsADevice(t *testing.T) {
	w := start(t, append(device, "id_token_signed_response_alg: ES256")...)
	party, err := rp.NewRelyingPartyOIDC(t.Context(), w.idp.URL, clientID, "", "", []string{"openid", "profile", "email", "offline_access"},
		rp.WithSigningAlgsFromDiscovery())
	if err != nil {
		t.Fatal(err)
	}
	mine := &television{party: party}
	mux := http.NewServeMux()
	mux.HandleFunc("/login", mine.ask)
	mux.HandleFunc("/callback", func(rw http.ResponseWriter, r *http.Request) {
		seen, err := mine.wait(r)
		tell(rw, seen, err)
	})
	mux.HandleFunc("/logout", func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, party.GetEndSessionEndpoint()+"?id_token_hint="+mine.idToken+"&post_logout_redirect_uri="+w.site+"/bye", http.StatusFound)
	})
	w.serve(mux)
	w.connect(saw{Alg: "ES256", TokenType: "Bearer", Refresh: true, Revoked: true})
}

// television is a device with zitadel/oidc.
type television struct {
	party   rp.RelyingParty
	asked   *zitadel.DeviceAuthorizationResponse
	idToken string
}

func (v *television) ask(rw http.ResponseWriter, r *http.Request) {
	var err error
	if v.asked, err = rp.DeviceAuthorization(r.Context(), v.party.OAuthConfig().Scopes, v.party, nil); err != nil {
		tell(rw, saw{}, err)
		return
	}
	json.NewEncoder(rw).Encode(v.asked)
}

func (v *television) wait(r *http.Request) (seen saw, err error) {
	ctx := r.Context()
	got, err := rp.DeviceAccessToken(ctx, v.asked.DeviceCode, time.Second, v.party)
	if err != nil {
		return seen, err
	}
	v.idToken = got.IDToken
	claims, err := rp.VerifyTokens[*zitadel.IDTokenClaims](ctx, got.AccessToken, got.IDToken, v.party.IDTokenVerifier())
	if err != nil {
		return seen, err
	}
	again, err := rp.RefreshTokens[*zitadel.IDTokenClaims](ctx, v.party, got.RefreshToken, "", "")
	if err != nil {
		return seen, err
	}
	info, err := rp.Userinfo[*zitadel.UserInfo](ctx, again.AccessToken, again.TokenType, claims.Subject, v.party)
	if err != nil {
		return seen, err
	}
	seen = saw{
		Sub: claims.Subject, Issuer: claims.Issuer, IDToken: got.IDToken, Email: info.Email, Name: info.Name,
		TokenType: got.TokenType, Refresh: again.AccessToken != got.AccessToken,
	}
	text, err := json.Marshal(info)
	if err == nil {
		err = json.Unmarshal(text, &seen.Userinfo)
	}
	if err == nil {
		err = rp.RevokeToken(ctx, v.party, again.RefreshToken, "refresh_token")
		seen.Revoked = err == nil
	}
	return seen, err
}

// connect is what every device has to do: hear of a refusal, let somebody in, read the
// ID token and userinfo, and lead to a log-out.
func (w *world) connect(want saw) {
	w.t.Helper()
	near := browser.InProcess(w.t, browser.Options{Language: "en"}) // what the device shows
	phone := browser.InProcess(w.t, browser.Options{Language: "en"})
	w.typed(near, phone).Press("Deny").Sees("refused")
	if near.Visit(w.site + "/callback"); !strings.Contains(near.HTML(), "access_denied") {
		w.t.Errorf("when the device is refused, it says %q", near.Text())
	}
	w.typed(near, phone).Press("Approve").Sees("connected")
	w.check(near.Visit(w.site+"/callback"), want)
	phone.Visit(w.site + "/logout").At(w.site + "/bye")
	phone.Visit(w.idp.URL + "/profile").At(w.idp.URL + "/login")
}

// typed has the device ask, and the person type the code it shows on the phone, logged
// in there by the first time at the latest.
func (w *world) typed(near, phone *browser.Person) *browser.Person {
	w.t.Helper()
	w.clock.Set(time.Now())
	var shown struct {
		UserCode string `json:"user_code"`
		Address  string `json:"verification_uri"`
	}
	if err := json.Unmarshal(said(near.Visit(w.site+"/login")), &shown); err != nil || shown.UserCode == "" {
		w.t.Fatalf("the device shows: %s", near.Text())
	}
	phone.Visit(shown.Address).Fill("Code", shown.UserCode).Press("Next")
	if strings.Contains(phone.URL(), "/login") {
		phone.Fill("Email address", email).Press("Next").Fill("Password", password).Press("Log in")
	}
	return phone.Sees("The Partner", email)
}
