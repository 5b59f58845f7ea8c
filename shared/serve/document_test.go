package serve_test

import (
	"compress/gzip"
	"io"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"tegata/shared/serve"
)

var long = strings.Repeat(`{"a":"document"}`, 400)

func TestALongDocumentIsGzippedForThoseWhoTakeIt(t *testing.T) { // RFC 9110 §12.5.3
	d := serve.NewDocument([]byte(long), "application/json", `"v1"`, time.Minute)
	for _, c := range []struct {
		accept string
		want   bool
	}{
		{"", false}, // no header
		{"gzip", true},
		{"gzip, deflate, br, zstd", true},
		{"deflate, GZIP;q=0.5", true},
		{"x-gzip", true},
		{"br", false},
		{"gzip;q=0", false},
		{"gzip; q=0.000, *", false},
		{"gzip;Q=0", false},
		{"*", true},
		{"*;q=0.1", true},
		{"*;q=0", false},
		{"br, *;q=0", false},
		{"identity", false},
		{"identity;q=0", true},
		{"identity;q=0, gzip;q=0", false},
		{"identity;q=0, *", true},
		{"gzip;q=0.5, identity", false},
		{"gzip;q=0.5, identity;q=0.2", true},
		{"gzip;q=0.2, *;q=0.8", false},
		{"gzip, identity", true},
		{"gzip;q=high", false},
		{"gzip;q=2", false},
		{"gzip;q=NaN", false},
		{"gzip;level=9", false},
		{"gzip;", true},
		{"br\ngzip;q=0.9", true}, // two lines
		{",, gzip ,", true},
		{"notgzip", false},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		if c.accept != "" {
			r.Header["Accept-Encoding"] = strings.Split(c.accept, "\n")
		}
		w := ask(d, r)
		h, body := w.Header(), w.Body.String()
		if h.Get("Vary") != "Accept-Encoding" || !c.want && h.Get("Content-Length") != strconv.Itoa(len(body)) || h.Get("Content-Type") != "application/json" || h.Get("Cache-Control") != "public, max-age=60" {
			t.Errorf("%q: headers %v", c.accept, h)
		}
		encoding, etag := "", `"v1"`
		if c.want {
			encoding, etag, body = "gzip", `"v1-gzip"`, unzip(t, w.Body)
		}
		if h.Get("Content-Encoding") != encoding || h.Get("Etag") != etag || body != long {
			t.Errorf("%q: encoding %q, tag %s, %d bytes; want %q, %s, %d", c.accept, h.Get("Content-Encoding"), h.Get("Etag"), len(body), encoding, etag, len(long))
		}
	}
}

func unzip(t *testing.T, from io.Reader) string {
	t.Helper()
	z, err := gzip.NewReader(from)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAShortDocumentIsTheSameForEverybody(t *testing.T) {
	d := serve.NewDocument([]byte("short"), "application/json", `"v1"`, time.Minute)
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Accept-Encoding", "gzip, identity;q=0")
	w := ask(d, r)
	if h := w.Header(); h.Get("Vary") != "" || h.Get("Content-Encoding") != "" || w.Body.String() != "short" || h.Get("Etag") != `"v1"` {
		t.Errorf("got %v %q", h, w.Body)
	}
}

// What a cache keeps for all says nothing of one request. More than eight headers would
// make it cost a tenth more.
func TestADocumentCarriesNoHeaderOfOneRequest(t *testing.T) {
	d := serve.NewDocument([]byte(long), "application/json", `"v1"`, time.Minute)
	for _, has := range []string{"", `"v1-gzip"`} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Encoding", "gzip")
		r.Header.Set("If-None-Match", has)
		h := ask(serve.Front{Log: quiet()}.Handler(d), r).Header()
		for _, name := range []string{"X-Request-Id", "X-Frame-Options", "Permissions-Policy"} {
			if h.Get(name) != "" {
				t.Errorf("it carries %s", name)
			}
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Security-Policy") == "" || len(h) > 7 { // Access-Control-Allow-Origin is the handler's
			t.Errorf("headers %v", h)
		}
	}
}

func TestADocumentIsNotSentToWhoHasIt(t *testing.T) { // RFC 9110 §13.1.2, §8.8.3.3, §15.4.5
	d := serve.NewDocument([]byte(long), "application/json", `"v1"`, time.Minute)
	for _, c := range []struct {
		accept, has string
		want        int
	}{
		{"", `"v1"`, 304},
		{"gzip", `"v1-gzip"`, 304},
		{"gzip", `"v1"`, 200}, // it has the other representation
		{"", `"v1-gzip"`, 200},
		{"", `W/"v1"`, 304},
		{"", `"v0", "v1"`, 304},
		{"", "\"v0\"\n\"v1\"", 304},
		{"", `*`, 304},
		{"", `"v10"`, 200},
		{"", `v1`, 200},
		{"", ``, 200},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["If-None-Match"] = strings.Split(c.has, "\n")
		if c.accept != "" {
			r.Header.Set("Accept-Encoding", c.accept)
		}
		w := ask(d, r)
		h := w.Header()
		if w.Code != c.want || (w.Body.Len() == 0) != (c.want == 304) || h.Get("Vary") == "" || h.Get("Etag") == "" || h.Get("Cache-Control") == "" {
			t.Errorf("%q has %q: %d, %d bytes, %v; want %d", c.accept, c.has, w.Code, w.Body.Len(), h, c.want)
		}
		if w.Code == 304 && (h.Get("Content-Length") != "" || h.Get("Content-Encoding") != "") {
			t.Errorf("%q has %q: headers of a body without one: %v", c.accept, c.has, h)
		}
	}
}

func TestTheHeadOfADocumentTellsWhatABodyWouldHave(t *testing.T) { // RFC 9110 §9.3.2
	d := serve.NewDocument([]byte(long), "application/json", `"v1"`, time.Minute)
	s := httptest.NewServer(d)
	defer s.Close()
	for accept, encoding := range map[string]string{"identity": "", "gzip": "gzip"} {
		r := httptest.NewRequest("GET", s.URL, nil)
		r.Header.Set("Accept-Encoding", accept)
		body := ask(d, r).Body.Len()
		for _, r.Method = range []string{"HEAD", "GET"} {
			r.RequestURI = ""
			res, err := s.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != 200 || res.ContentLength != int64(body) || res.Header.Get("Content-Encoding") != encoding {
				t.Errorf("%s, %s: %d, %d bytes, %v; want a length of %d", r.Method, accept, res.StatusCode, res.ContentLength, res.Header, body)
			}
		}
	}
}
