package interop_test

import (
	"strings"
	"testing"
	"time"

	"tegata/shared/browser"
)

// TestNimbus is Java's Nimbus oauth2-oidc-sdk, which Spring Security stands on.
func TestNimbus(t *testing.T) {
	at := maven(t, "nimbus", "Party.java")
	w := start(t, "require_pkce: true")
	w.run(at, nil, "java", "-cp", "lib/*", "Party.java")
	w.meet(saw{Revoked: true})
}

// TestSpringSecurity is a Spring Boot application with oauth2Login and oidcLogout.
func TestSpringSecurity(t *testing.T) {
	w := spring(t)
	w.meet(saw{TokenType: "Bearer", Refresh: true})
}

// TestSpringSecurityIsToldOfALogOut: the person logs out here, and Spring's session ends
// by what we tell its server (OpenID Connect Back-Channel Logout).
func TestSpringSecurityIsToldOfALogOut(t *testing.T) {
	w := spring(t)
	p := browser.InProcess(t, browser.Options{Language: "en"})
	w.logIn(p)
	p.Visit(w.site + "/me").Sees(w.person.Subject)
	p.Visit(w.idp.URL + "/logout").Press("Log out").Sees("logged out")
	for end := time.Now().Add(toldWithin); strings.HasPrefix(p.Visit(w.site+"/me").URL(), w.site); {
		if time.Now().After(end) {
			t.Fatalf("Spring still knows the person: %s", p.Text())
		}
		time.Sleep(100 * time.Millisecond)
	}
	p.At(w.idp.URL + "/login")
}

// toldWithin is how long a log-out may take on its way to a client.
const toldWithin = 10 * time.Second

// spring runs the Spring Boot application.
func spring(t *testing.T) *world {
	t.Helper()
	at := maven(t, "spring", "Party.java", "party.yaml")
	port := freePort(t)
	w := startAs(t, quirks{port: port}, append(offline, "require_pkce: true",
		"backchannel_logout_uri: http://127.0.0.1:"+port+"/logout/connect/back-channel/tegata", "backchannel_logout_session_required: true")...)
	w.runSpring(at, "Party", "party", nil)
	return w
}

// runSpring compiles one class and runs it with the settings of that name. A source
// file run by itself has no classes that Spring could read.
func (w *world) runSpring(at, class, settings string, environ []string) {
	w.t.Helper()
	compile(w.t, at, "javac", "-parameters", "-proc:none", "-cp", "lib/*", "-d", "classes", class+".java")
	w.run(at, environ, "java", "-XX:TieredStopAtLevel=1", "-Dspring.config.name="+settings, "-cp", "classes:lib/*", class)
}
