package e2e_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// poisons are values that no field of ours means, whichever field it is.
var poisons = map[string]string{
	"nothing": "", "too long": strings.Repeat("x", 20_000), "NUL": "a\x00b", "control characters": "a\x01\x07\x1b[31mb\x7f", "broken UTF-8": "a\xff\xfe\xc0\x80b",
	"lines": "a\r\nSet-Cookie: x=y\r\n\r\nb", "kanji": "山田太郎", "emoji": "👩‍👩‍👧‍👦", "right to left": "a\u202eb\u2066c", "invisible": "\u200b\u2060\ufeff", "separators": "a\u2028b\u2029c",
	"SQL": `' or 1=1; drop table accounts; --`, "SQL 2": `") union select sealed from passwords --`, "JSON": `{"$ne":null}`, "template": `{{.}}${7*7}<%= 1 %>`,
	"markup": `"><img src=x onerror=alert(1)>`, "a path": `../../../../etc/passwd`, "a number": "-99999999999999999999", "format": "%s%n%x%d", "a country": "XX", "spaces": "   ",
	"full width": "ＡＢＣ１２３", "combining": strings.Repeat("e\u0301", 200), "zalgo": "a" + strings.Repeat("\u0300", 3000), "surrogates": "\xed\xa0\x80\xed\xb0\x80",
}

// fine is what a form may answer to nonsense: a page that says so, or a way onward.
func fine(r reply) bool {
	return r.StatusCode == http.StatusOK || r.StatusCode == http.StatusSeeOther || r.StatusCode >= 400 && r.StatusCode < 500
}

// TestNoFieldBreaksAForm: every field of every form with every poison, on
// both kinds of database: a 4xx page or a way onward, never a 5xx, and never markup.
func TestNoFieldBreaksAForm(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			s := besiege(t, kind)
			i := s.atHome(t)
			fresh := s.intruder(t)
			id := fresh.authorize(wish()).query("interaction")
			for _, f := range s.forms(id) {
				who := fresh
				if strings.HasPrefix(f.path, s.Tracker.URL) {
					who = i
				}
				if f.path == "/login/password" {
					who.post("/login", url.Values{"interaction": {id}, "email": {attacker}})
				}
				for name := range f.fields {
					for poison, value := range poisons {
						r := who.post(f.path, with(f.fields, name, value))
						if !fine(r) {
							t.Errorf("%s with %s in %s: status %d", f.path, poison, name, r.StatusCode)
						}
						if strings.Contains(r.body, "<img src=x") || r.Header.Get("Set-Cookie") == "x=y" {
							t.Errorf("%s with %s in %s: comes back as markup", f.path, poison, name)
						}
					}
				}
				if strings.HasSuffix(f.path, "/logout") {
					continue
				}
				for name, change := range map[string]func(url.Values){
					"all twice": func(v url.Values) {
						for n := range v {
							v.Add(n, "second")
						}
					},
					"array names": func(v url.Values) {
						for n := range v {
							v.Set(n+"[]", "x")
							v.Set(n+"[a][b]", "x")
							v.Set("["+n+"]", "x")
						}
					},
					"none": func(v url.Values) { clear(v) },
					"a thousand": func(v url.Values) {
						for n := range 1000 {
							v.Set(fmt.Sprint("f", n), "x")
						}
					},
					"switched": func(v url.Values) {
						v.Set("switch_language", "ja")
						v.Set("switch_notes", `[{"k":99,"m":"x","a":{"a":{}}},{"k":1,"f":"email","m":"<b>"}]`)
					},
					"odd switch": func(v url.Values) { v.Set("switch_language", "<b>"); v.Set("switch_notes", strings.Repeat("[", 7000)) },
				} {
					changed := with(f.fields)
					change(changed)
					if r := who.post(f.path, changed); !fine(r) || strings.Contains(r.body, "<b>") {
						t.Errorf("%s with %s: status %d", f.path, name, r.StatusCode)
					}
				}
			}
		})
	}
}

// TestOneMistakeKeepsWhatWasTyped: somebody who made one mistake types one field again.
func TestOneMistakeKeepsWhatWasTyped(t *testing.T) {
	s := besiege(t, "sqlite")
	i := s.atHome(t)
	r := s.intruder(t).post("/signup", aSignUp("kept@example.org", "country", "XX"))
	for _, typed := range []string{"kept@example.org", `value="Ada"`, `value="Nakamura"`} {
		if r.StatusCode != http.StatusBadRequest || !strings.Contains(r.body, typed) {
			t.Errorf("sign-up: status %d, %s is lost", r.StatusCode, typed)
		}
	}
	if strings.Contains(r.body, aSignUp("").Get("password")) {
		t.Error("the password stands on the page")
	}
	for _, f := range s.forms("") {
		if !strings.HasSuffix(f.path, "/personal/addresses") {
			continue
		}
		r := i.post(f.path, with(f.fields, "country", "XX"))
		if r.StatusCode != http.StatusBadRequest || !strings.Contains(r.body, "1-2-3 Jingumae") || !strings.Contains(r.body, "Shibuya-ku") {
			t.Errorf("%s: status %d, what was typed is lost", f.path, r.StatusCode)
		}
	}
	if r := i.get(s.Tracker.URL + "/personal/addresses"); !strings.Contains(r.body, "1-2-3 Jingumae") {
		t.Error("the address that was saved is lost")
	}
}

// TestBodiesThatAreNoForm: too large, of another kind, packed, cut off.
func TestBodiesThatAreNoForm(t *testing.T) {
	s := besiege(t, "sqlite")
	i := s.atHome(t)
	var parts bytes.Buffer
	m := multipart.NewWriter(&parts)
	m.WriteField("email", victim)
	m.Close()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(bytes.Repeat([]byte("a=b&"), 1<<18))
	z.Close()
	const plain = "application/x-www-form-urlencoded"
	for _, f := range append(s.forms(""), form{"/oauth2/token", url.Values{"grant_type": {"authorization_code"}}}, form{"/oauth2/authorize", wish()}, form{"/oauth2/revoke", url.Values{"token": {"x"}}}, form{"/oauth2/userinfo", nil}, form{"/oauth2/logout", nil}) {
		for name, c := range map[string]struct {
			kind, body string
			header     []string
		}{
			"a megabyte":      {plain, "email=" + strings.Repeat("x", 1<<20), nil},
			"65 KB":           {plain, "email=" + strings.Repeat("x", 65<<10), nil},
			"a million keys":  {plain, strings.Repeat("a&", 1<<19), nil},
			"JSON":            {"application/json", `{"email":"` + victim + `"}`, nil},
			"deep JSON":       {"application/json", strings.Repeat("[", 60_000), nil},
			"XML":             {"text/xml", `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>`, nil},
			"multipart":       {m.FormDataContentType(), parts.String(), nil},
			"multipart lie":   {"multipart/form-data", "x", nil},
			"text":            {"text/plain", f.fields.Encode(), nil},
			"no kind":         {"", f.fields.Encode() + "&a=b", nil},
			"broken kind":     {"application/x-www-form-urlencoded; charset=\x7f", "a=b", nil},
			"packed":          {plain, packed.String(), []string{"Content-Encoding", "gzip"}},
			"broken escapes":  {plain, "email=%zz&interaction=%", nil},
			"semicolons":      {plain, "email=a;interaction=b", nil},
			"without length":  {plain, "", []string{"Transfer-Encoding", "chunked"}},
			"another charset": {plain + "; charset=utf-7", "email=+ADw-script+AD4-", nil},
		} {
			header := append([]string{"Content-Type", c.kind, "Sec-Fetch-Site", "same-origin"}, c.header...)
			if name == "broken kind" {
				header[1] = "application/x-www-form-urlencoded; charset"
			}
			r := i.send(http.MethodPost, f.path, strings.NewReader(c.body), header...)
			large := len(c.body) > 64<<10 && strings.HasPrefix(c.kind, plain)
			if !fine(r) || r.StatusCode == http.StatusOK && large || large && strings.HasPrefix(f.path, "/login") && r.StatusCode != http.StatusRequestEntityTooLarge {
				t.Errorf("%s with %s: status %d", f.path, name, r.StatusCode)
			}
		}
		i.get(i.toTracker(s, victim, victimPassword)) // the log-outs among the forms
	}
}

// TestOddRequests: methods, paths and headers that no browser sends.
func TestOddRequests(t *testing.T) {
	s := besiege(t, "sqlite")
	i := s.intruder(t)
	for _, home := range []string{s.IDP.URL, s.Tracker.URL} {
		for _, path := range []string{
			"/static/../../etc/passwd", "/static/..%2f..%2fetc/passwd", "/static/%5c..%5c..%5cwindows", "/static/%00", "/static/x/../idp.css", "/static//etc/passwd",
			"/login%00", "/%ff", "/login/", "//login", "/login/../profile", "/./login", "/" + strings.Repeat("a/", 3000), "/;/login", "/login;x=y", "/.git/config", "/.env",
			"/debug/pprof/", "/debug/vars", "/metrics", "/configs/idp.yaml", "/admin",
		} {
			r := i.get(home + path)
			if r.StatusCode == http.StatusOK && !strings.Contains(r.Request.URL.Path, "login") {
				t.Errorf("%s%s: status 200", home, path)
			}
			if r.leaves(home) {
				t.Errorf("%s%s leads to %s", home, path, r.to())
			}
		}
		for _, method := range []string{"PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "BREW", "OPTIONS", "HEAD"} {
			for _, path := range []string{"/login", "/", "/oauth2/token", "/oauth2/authorize", "/callback", "/healthz", "/no-such"} {
				if r := i.send(method, home+path, nil); r.StatusCode < 300 && method != "OPTIONS" && method != "HEAD" {
					t.Errorf("%s %s: status %d", method, path, r.StatusCode)
				}
			}
		}
		for _, header := range [][]string{
			{"Cookie", strings.Repeat("a=b; ", 3000)}, {"Cookie", "tegata_session=\x01"}, {"Cookie", "tegata_language=<b>; tegata_browser=x; tegata_pending=.; tegata_tracker_session=."},
			{"Accept-Language", strings.Repeat("ja;q=0.1,", 2000)}, {"Accept-Language", "\xff;q=x"}, {"User-Agent", strings.Repeat("U", 20_000)}, {"User-Agent", "\xff\xfe"}, {"Authorization", "Basic %%%"}, {"Authorization", strings.Repeat("Bearer ", 1000)},
			{"If-None-Match", "*"}, {"Range", "bytes=0-1,0-2,0-3"}, {"Accept-Encoding", "gzip;q=0, *;q=9"}, {"Sec-Fetch-Site", "<b>"}, {"Origin", "://"},
		} {
			if strings.ContainsAny(header[1], "\x01") {
				continue // Go's client refuses to send it
			}
			for _, path := range []string{"/", "/login", "/signup/sent", "/oauth2/userinfo", "/home"} {
				i.get(home+path, header...) // judge looks at it
			}
		}
	}
	x := s.intruder(t)
	x.post("/login", url.Values{"email": {attacker}}, "User-Agent", "\xff\xfe\xc0") // goes into a row of both databases
	x.logIn("", attacker, attackerPassword)
}
