package main

import (
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestAConnectionReadsWhatServersAnswer: lengths told, chunks (RFC 9112 §7.1),
// redirects, gzip, nothing at all; and the next answer after each.
func TestAConnectionReadsWhatServersAnswer(t *testing.T) {
	long := strings.Repeat("0123456789", 2000)
	mux := http.NewServeMux()
	mux.HandleFunc("/short", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("short")) })
	mux.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte(long[:5]))
		http.NewResponseController(w).Flush()
		w.Write([]byte(long[5:]))
	})
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1", Path: "/x"})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
		http.Redirect(w, r, "/short?code=c0de&iss=x", http.StatusSeeOther)
	})
	mux.HandleFunc("/packed", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			t.Errorf("asked with Accept-Encoding %q, want gzip", r.Header.Get("Accept-Encoding"))
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		z.Write([]byte(long))
		z.Close()
	})
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write([]byte("not packed"))
	})
	mux.HandleFunc("/nothing", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	server := httptest.NewServer(mux)
	defer server.Close()
	c := newCaller(&target{addr: server.Listener.Addr().String(), host: "localhost"}, 0)
	defer c.hangUp()
	for _, one := range []struct {
		path   string
		status int
		body   string
	}{{"/short", 200, "short"}, {"/long", 200, long}, {"/packed", 200, long}, {"/packed", 200, long}, {"/nothing", 204, ""}, {"/short", 200, "short"}} {
		a, err := c.get(one.path, "")
		if err != nil || a.status != one.status || string(a.body) != one.body {
			t.Fatalf("%s: %+v %v", one.path, a, err)
		}
	}
	if _, err := c.get("/broken", ""); err == nil {
		t.Error("a body that is not what it says it is was taken")
	}
	a, err := c.get("/away", "")
	if err != nil || a.status != 303 || len(a.cookies) != 2 {
		t.Fatalf("/away: %+v %v", a, err)
	}
	if code, err := codeIn(a.location); err != nil || string(code) != "c0de" {
		t.Errorf("code %q, %v", code, err)
	}
	c.keep(a.cookies)
	c.keep([][]byte{[]byte("a=; Max-Age=0"), []byte("b=3; Path=/")})
	if c.cookie != "b=3" {
		t.Errorf("cookies %q, want b=3", c.cookie)
	}
}

func TestAMissedAimSaysSo(t *testing.T) {
	for _, one := range []struct {
		aim  aim
		want string
	}{
		{atMost("× fixed", 13.24, 15), "≤ 15 × fixed: 13.2 met"},
		{atMost("× fixed", 15.1, 15), "≤ 15 × fixed: 15.1 MISSED"},
		{atLeast("× peer's rate", 2.4, 2.5), "≥ 2.5 × peer's rate: 2.4 MISSED"},
	} {
		if got := one.aim.String(); got != one.want {
			t.Errorf("got %q, want %q", got, one.want)
		}
	}
}
