// Package interop runs relying-party software of others against the real provider: a
// person logs in at it in a browser, and the test reads what the software saw.
//
//	world_test.go     the provider with one client, the person, and what every partner has to do
//	install_test.go   partners from registries, pinned, in var/interop
//	program_test.go   a partner as a program beside the test
//	golang_test.go    go-oidc with x/oauth2, zitadel/oidc
//	node_test.go      openid-client, oauth4webapi, Auth.js
//	browser_test.go   oidc-client-ts
//	proxies_test.go   mod_auth_openidc, oauth2-proxy
//	authlib_test.go   Authlib
//	java_test.go      Nimbus, Spring Security
//	device_test.go    a device that has a person type its code: openid-client, zitadel/oidc
//	api_test.go       APIs that read our access tokens: express-oauth2-jwt-bearer, Spring
//	NAME/             a partner's program, and what pins its packages
//
// A partner is a web site with four addresses, whatever it is written in: /login starts
// a log-in, /callback ends it with a page of JSON (saw), /logout logs out at the
// provider, and /bye is where people return to. Its program reads PORT, ISSUER,
// CLIENT_ID and CLIENT_SECRET from the environment.
//
// Partners in Go are part of every test run. The others need registries and minutes:
//
//	make interop                                                      all of them
//	TEGATA_INTEROP=required go test -run Authlib ./idp/oidc/interop   one of them
package interop
