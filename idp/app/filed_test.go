package app_test

import (
	"log/slog"
	"strings"
	"testing"

	"tegata/idp/app/apptest"
)

// A client that was deleted or has the wrong keys, or a feature that was switched off, must
// not keep the provider down; the log tells what of the file cannot work,
// and why, in words that fit it.
func TestTheProviderStartsAndTellsWhatOfTheFileCannotBeUsed(t *testing.T) {
	var log lines
	apptest.Start(t, apptest.Options{Log: slog.New(slog.NewTextHandler(&log, nil)), Clients: `clients:
  - client_id: bank
    client_name: {en: Bank}
    redirect_uris: [https://bank.test/cb]
    token_endpoint_auth_method: tls_client_auth
    tls_client_auth_san_dns: bank.test
    may_act: nope
  - client_id: shop
    client_name: {en: Shop}
    redirect_uris: [https://shop.test/cb]
    token_endpoint_auth_method: none
    may_act: bank
  - client_id: desk
    client_name: {en: Desk}
    redirect_uris: [https://desk.test/cb]
    post_logout_redirect_uris: [https://desk.test:0/bye]
    token_endpoint_auth_method: private_key_jwt
    token_endpoint_auth_signing_alg: ES256
    jwks: {keys: [{kty: OKP, crv: Ed25519, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo}]}
`})
	said := log.String()
	for _, want := range []string{
		`clients.yaml:7:14 clients[0].may_act" why="there is no such client`, `clients.yaml:5:33 clients[0].token_endpoint_auth_method" why="want one of`,
		`clients.yaml:18:38 clients[2].token_endpoint_auth_signing_alg" why="none of 1 keys`,
		`clients.yaml:16:33 clients[2].post_logout_redirect_uris[0]" why="want a port from 1 to 65535`,
	} {
		if !strings.Contains(said, want) {
			t.Errorf("nothing of %q in\n%s", want, said)
		}
	}
	if n := strings.Count(said, "an entry of clients_file cannot be used"); n != 4 {
		t.Errorf("%d lines, want 4:\n%s", n, said)
	}
}
