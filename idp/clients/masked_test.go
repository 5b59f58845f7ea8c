package clients_test

import (
	"strings"
	"testing"

	"tegata/idp/clients"
)

// registered are the addresses of a client whose mistakes are shown.
var registered = []string{"https://shop.example/callback", "https://shop.example/oauth2-login-callback-of-the-shop7/cb?lang=ja"}

// What a person mistyped has to be seen, and the rest of the address as it came.
func TestTheUsualMistakesInAnAddressAreShown(t *testing.T) {
	for _, given := range []string{
		"https://shop.example/callback", "https://shop.example/callback/", "https://shop.example/Callback", "http://shop.example/callback",
		"https://shop.example:8443/callback", "https://www.shop.example/callback", "https://shop.example/calback", "https://shop.example/api/auth/callback",
		"https://shop.example/oauth2-login-calback-of-the-shop7/cb?lang=ja", "https://shop.example/OAUTH2-login-callback-of-the-shop7/cb",
		"https://shop.example/callback?", "https://shop.example/callback#", "https://shop.example/oauth2callback", "https://shop.example/loginCallbackHandler",
		"https://shop.example/signin-oidc", "https://shop.example/login/oauth2/code/tegata", "com.example.app:/cb", "urn:ietf:wg:oauth:2.0:oob", "",
		`["https://id.test","https://elsewhere.test"]`,
	} {
		if got := clients.Masked(given, registered); got != given {
			t.Errorf("%q is shown as %q", given, got)
		}
	}
}

func TestNothingOfAnAddressIsShownThatMayBeASecret(t *testing.T) {
	const long = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	for given, want := range map[string]string{
		"https://shop@shop.example/callback":                      "https://…@shop.example/callback",
		"https://shop:hunter2@shop.example/callback":              "https://…@shop.example/callback",
		"https://shop:hunt/er2@shop.example/callback":             "https://…/…@shop.example/callback",
		"https://a@b:hunter2@shop.example/callback":               "https://…@shop.example/callback",
		"https://shop:hunter2@shop.example:x/callback":            "https://…@shop.example:x/callback",
		"https://shop.example/callback?password=hunter2":          "https://shop.example/callback?password=…",
		"https://shop.example/callback?password=hunter2&lang=ja":  "https://shop.example/callback?password=…&lang=ja",
		"https://shop.example/callback?lang=hunter2":              "https://shop.example/callback?lang=…",
		"https://shop.example/callback?hunter2":                   "https://shop.example/callback?…",
		"https://shop.example/callback?" + long + "=1":            "https://shop.example/callback?…=…",
		"https://shop.example/callback#x=1":                       "https://shop.example/callback#…",
		"https://shop.example/callback#a?password=hunter2":        "https://shop.example/callback#…",
		"https://shop.example/callback/" + long:                   "https://shop.example/callback/…",
		"https://shop.example/callback/" + long + "/more":         "https://shop.example/callback/…/more",
		"https://shop.example/9f86d081884c7d659a2feaa0c55ad015":   "https://shop.example/…",
		"https://shop.example/5b1d7f3e-8f0c-4c8e-9d39-0a4b3c1d2e": "https://shop.example/…",
		"https://shop.example/090-1234-5678":                      "https://shop.example/…",
		"https://shop.example/cb;session=hunter2":                 "https://shop.example/cb;session=…",
		"https://shop.example/\x00\xff":                           "https://shop.example/\uFFFD",
		"https://shop.example/\x1b[31m\u202eabc":                  "https://shop.example/\uFFFD[31m\uFFFDabc",
	} {
		got := clients.Masked(given, registered)
		if got != want || strings.Contains(got, "hunter2") {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
}

// Somebody's name in front of the host is the whole difference. RFC 3986 §3.2.1.
func TestAUserBeforeTheHostDiffers(t *testing.T) {
	given := clients.Masked("https://shop:hunter2@shop.example/callback", registered)
	start, expected, came, end := clients.Diff(given, clients.Nearest(given, registered))
	if got := [4]string{start, expected, came, end}; got != [4]string{"https://", "", "…@", "shop.example/callback"} {
		t.Errorf("%q", got)
	}
}
