package interop_test

import "testing"

// TestNimbus is Java's Nimbus oauth2-oidc-sdk, which Spring Security stands on.
func TestNimbus(t *testing.T) {
	at := maven(t, "nimbus", "Party.java")
	w := start(t, "require_pkce: true")
	w.run(at, nil, "java", "-cp", "lib/*", "Party.java")
	w.meet(saw{Revoked: true})
}
