package serve_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tegata/shared/audit"
	"tegata/shared/serve"
)

// front gives a front whose log can be read, around a mux of two routes.
func front(t *testing.T, f serve.Front, h http.HandlerFunc) (http.Handler, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	f.Log = slog.New(slog.NewJSONHandler(&log, nil))
	mux := http.NewServeMux()
	mux.HandleFunc("/activate/{token}", h)
	return f.Handler(serve.Routed(mux)), &log
}

func ask(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestAccessLogNamesTheRouteAndNeverThePathOrTheQuery(t *testing.T) {
	h, log := front(t, serve.Front{}, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	w := ask(h, httptest.NewRequest("GET", "/activate/s3cr3t?code=hidden", nil))

	var entry map[string]any
	if err := json.Unmarshal(log.Bytes(), &entry); err != nil {
		t.Fatal(err)
	}
	if entry["route"] != "/activate/{token}" || entry["status"] != 200.0 || entry["method"] != "GET" || entry["bytes"] != 5.0 {
		t.Errorf("entry %v, want route, status 200, method GET and 5 bytes", entry)
	}
	if id := w.Header().Get("X-Request-Id"); id == "" || entry["request_id"] != id {
		t.Errorf("request id: header %q, log %q, want the same", id, entry["request_id"])
	}
	for _, secret := range []string{"s3cr3t", "hidden"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}

func TestAPanicBecomesAProblemAndOneLogEntry(t *testing.T) {
	f := serve.Front{Problem: func(w http.ResponseWriter, r *http.Request, status int) {
		w.WriteHeader(status)
		io.WriteString(w, "sorry "+serve.RequestID(r.Context()))
	}}
	h, log := front(t, f, func(http.ResponseWriter, *http.Request) { panic("ouch") })
	w := ask(h, httptest.NewRequest("GET", "/activate/x", nil))
	if w.Code != 500 || w.Body.String() != "sorry "+w.Header().Get("X-Request-Id") {
		t.Errorf("got %d %q, want 500 and the problem with the request id", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "ouch") || !strings.Contains(log.String(), "front_test.go") {
		t.Errorf("log %s, want the panic and its stack", log)
	}
}

func TestAPanicAfterHalfAnAnswerBreaksTheConnection(t *testing.T) {
	h, _ := front(t, serve.Front{}, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "half")
		w.(interface{ Unwrap() http.ResponseWriter }).Unwrap().(http.Flusher).Flush()
		panic("ouch")
	})
	s := httptest.NewServer(h)
	defer s.Close()
	res, err := http.Get(s.URL + "/activate/x")
	if err == nil {
		_, err = io.ReadAll(res.Body)
	}
	if err == nil {
		t.Error("half an answer arrived as a whole one")
	}
}

func TestBodiesBeyondTheCapAreRefused(t *testing.T) {
	h, _ := front(t, serve.Front{MaxBody: 10}, func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
	})
	form := func(n int, chunked bool) *http.Request {
		r := httptest.NewRequest("POST", "/activate/x", strings.NewReader("a="+strings.Repeat("x", n-2)))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if chunked {
			r.ContentLength = -1
		}
		return r
	}
	for _, c := range []struct {
		name    string
		n       int
		chunked bool
		want    int
	}{
		{"at the cap", 10, false, 200},
		{"one more", 11, false, 413},
		{"one more, length not told", 11, true, 413},
	} {
		if w := ask(h, form(c.n, c.chunked)); w.Code != c.want {
			t.Errorf("%s: status %d, want %d", c.name, w.Code, c.want)
		}
	}
}

func TestOriginReachesTheAuditLog(t *testing.T) {
	var got audit.Origin
	h, _ := front(t, serve.Front{}, func(w http.ResponseWriter, r *http.Request) { got = audit.OriginOf(r.Context()) })
	r := httptest.NewRequest("GET", "/activate/x", nil)
	r.RemoteAddr = "198.51.100.7:4711"
	r.Header.Set("User-Agent", strings.Repeat("u", 5000))
	w := ask(h, r)
	if got.Place != "198.51.100.7" || got.RequestID != w.Header().Get("X-Request-Id") || len(got.Agent) != 256 {
		t.Errorf("origin %+v, want the peer, the request id and a short agent", got)
	}
}

func TestProxyHeadersCountOnlyFromOurProxies(t *testing.T) { // A-099, house rule 6
	proxies, err := serve.ParseProxies([]string{"10.0.0.0/8", "2001:db8::1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, peer, forwarded, proto, id string
		place                            string
		https, sameID                    bool
	}{
		{"no proxy", "198.51.100.7:1", "", "", "", "198.51.100.7", false, false},
		{"a stranger pretends", "198.51.100.7:1", "127.0.0.1", "https", "abcdefgh", "198.51.100.7", false, false},
		{"our proxy", "10.1.2.3:1", "203.0.113.9", "https", "abcdefgh-1", "203.0.113.9", true, true},
		{"stranger's element in front", "10.1.2.3:1", "127.0.0.1, 203.0.113.9", "https", "", "203.0.113.9", true, false},
		{"two of our proxies", "10.1.2.3:1", "203.0.113.9, 10.9.9.9", "https", "", "203.0.113.9", true, false},
		{"proto list: the nearest proxy counts", "10.1.2.3:1", "203.0.113.9", "https, http", "", "203.0.113.9", false, false},
		{"proxy by IPv6", "[2001:db8::1]:1", "2001:db8::99", "https", "", "2001:db8::99", true, false},
		{"IPv4 in IPv6", "[::ffff:10.1.2.3]:1", "203.0.113.9:55", "", "", "203.0.113.9", false, false},
		{"several lines", "10.1.2.3:1", "203.0.113.9\n10.9.9.9,10.8.8.8", "", "", "203.0.113.9", false, false},
		{"a line says nothing", "10.1.2.3:1", "203.0.113.9\n", "", "", "10.1.2.3", false, false},
		{"one of ours behind nobody", "10.1.2.3:1", "10.9.9.9", "", "", "10.9.9.9", false, false},
		{"IPv4 as IPv6", "10.1.2.3:1", "[::ffff:cb00:7109]:80", "", "", "203.0.113.9", false, false},
		{"a long line", "10.1.2.3:1", strings.Repeat("127.0.0.1, ", 50) + "203.0.113.9:4711", "", "", "203.0.113.9", false, false},
		{"nonsense", "10.1.2.3:1", "unknown", "", "short", "10.1.2.3", false, false},
		{"id with a line end", "10.1.2.3:1", "203.0.113.9", "", "abcdefgh\nlevel=ERROR", "203.0.113.9", false, false},
	} {
		var got serve.Exchange
		h, _ := front(t, serve.Front{Proxies: proxies}, func(w http.ResponseWriter, r *http.Request) { got = *serve.Of(r.Context()) })
		r := httptest.NewRequest("GET", "/activate/x", nil)
		r.RemoteAddr = c.peer
		for name, value := range map[string]string{"X-Forwarded-For": c.forwarded, "X-Forwarded-Proto": c.proto, "X-Request-Id": c.id} {
			if name == "X-Forwarded-For" && value != "" {
				r.Header[name] = strings.Split(value, "\n")
			} else if value != "" {
				r.Header.Set(name, value)
			}
		}
		ask(h, r)
		if got.Place != c.place || got.HTTPS != c.https || (got.ID == c.id) != c.sameID {
			t.Errorf("%s: got %s https=%v id=%q, want %s https=%v", c.name, got.Place, got.HTTPS, got.ID, c.place, c.https)
		}
	}
	if _, err := serve.ParseProxies([]string{"proxy.example"}); err == nil {
		t.Error("a host name was taken for a network")
	}
}
