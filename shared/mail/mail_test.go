package mail_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"tegata/shared/clock"
	"tegata/shared/fault"
	"tegata/shared/mail"
)

func TestAddressesHaveOneForm(t *testing.T) {
	for typed, want := range map[string]string{
		"Taro.Yamada@Example.COM":        "taro.yamada@example.com",
		" ada+news@example.org ":         "ada+news@example.org",
		"o'neil@example.co.jp":           "o'neil@example.co.jp",
		"user@日本語.jp":                    "user@xn--wgv71a119e.jp",
		"user@XN--WGV71A119E.JP":         "user@xn--wgv71a119e.jp",
		"user@bu\u0308cher.de":           "user@xn--bcher-kva.de", // NFD
		"user@b\u00fccher.de":            "user@xn--bcher-kva.de", // NFC
		"user@straße.de":                 "user@xn--strae-oqa.de", // not strasse.de
		strings.Repeat("a", 64) + "@b.c": strings.Repeat("a", 64) + "@b.c",
	} {
		got, err := mail.Address(typed)
		if err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", typed, got, err, want)
		}
		if again, err := mail.Address(got); err != nil || again != got {
			t.Errorf("%q becomes %q the second time (%v)", got, again, err)
		}
	}
}

// TestWhatIsNoAddress: S-023, A-090 and A-091.
func TestWhatIsNoAddress(t *testing.T) {
	for typed, key := range map[string]string{
		"": "email.missing", "   ": "email.missing",
		strings.Repeat("a", 65) + "@example.org":        "email.too_long",
		"a@" + strings.Repeat("b", 5000):                "email.too_long",
		"a@" + strings.Repeat("bcdefghij.", 25) + "org": "email.too_long",
		"abc": "email.form", "a@b": "email.form", "a b@c.jp": "email.form", "@example.org": "email.form", "a@": "email.form",
		"a＠evil.example@ok.example": "email.form", `"a@evil.example"@ok.example`: "email.form", "a@ok.example(@evil.example)": "email.form",
		"a@ok.example\x00": "email.form", "a@ok.example\r\nBcc: b@evil.example": "email.form", "<a@ok.example>": "email.form",
		"Ada <a@ok.example>": "email.form", "a@ok.example,b@evil.example": "email.form", "a@ok.example;b@evil.example": "email.form",
		"a@ok.example b@evil.example": "email.form", "a@[127.0.0.1]": "email.form", "a@127.0.0.1": "email.form", "a@ok.example.": "email.form",
		".a@ok.example": "email.form", "a..b@ok.example": "email.form", "a.@ok.example": "email.form", "a@ok..example": "email.form",
		"a@-ok.example": "email.form", "a@ok_x.example": "email.form", "a@b@ok.example": "email.form", "a\t@ok.example": "email.form",
		"mıke@ok.example": "email.form", "mi\u212ae@ok.example": "email.form", "ｍike@ok.example": "email.form", "mike\u200b@ok.example": "email.form",
		"mike@o\u212a.example": "email.form", "mike@ｏk.example": "email.form", "mike@ok。example": "email.form", "mike@oﬀ.example": "email.form",
		"mike@ok\u200b.example": "email.form", "mike@\xff.example": "email.form", "山田@ok.example": "email.form",
	} {
		got, err := mail.Address(typed)
		if f := fault.Of(err); f == nil || f.Kind != fault.Invalid || f.Field != "email" || f.Key != key {
			t.Errorf("%.60q: %q, %v, want %s", typed, got, err, key)
		}
	}
}

func FuzzAddress(f *testing.F) {
	for _, seed := range []string{"a@b.co", "user@日本語.jp", "a＠evil@ok.jp", "\"a\"@b.co", "a@b.co\r\nBcc: x@y.z", "mi\u212ae@ok.example"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		got, err := mail.Address(typed)
		if err != nil {
			return
		}
		if again, err := mail.Address(got); err != nil || again != got {
			t.Errorf("%q is not stable: %q, %v", got, again, err)
		}
		for _, c := range []byte(got) {
			if c <= ' ' || c >= 0x7f || strings.IndexByte("\"(),:;<>[]\\", c) >= 0 {
				t.Fatalf("%q gives %q", typed, got)
			}
		}
		if len(got) > 254 || strings.Count(got, "@") != 1 || !strings.Contains(got[strings.IndexByte(got, '@'):], ".") {
			t.Errorf("%q gives %q", typed, got)
		}
		if list, err := netmail.ParseAddressList(got); err != nil || len(list) != 1 || list[0].Address != got {
			t.Errorf("%q is read as %v (%v)", got, list, err)
		}
	})
}

// relay is a mail server that keeps what it gets.
type relay struct {
	mu     sync.Mutex
	from   string
	to     []string
	data   []byte
	refuse error
}

func (r *relay) NewSession(*smtp.Conn) (smtp.Session, error) { return r, nil }
func (r *relay) Reset()                                      {}
func (r *relay) Logout() error                               { return nil }
func (r *relay) Mail(from string, _ *smtp.MailOptions) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.from, r.to = from, nil
	return nil
}
func (r *relay) Rcpt(to string, _ *smtp.RcptOptions) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.to = append(r.to, to)
	return r.refuse
}
func (r *relay) Data(from io.Reader) (err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.data, err = io.ReadAll(from)
	return err
}

// start gives a relay and the settings that reach it.
func start(t *testing.T) (*relay, mail.SMTP) {
	t.Helper()
	r := &relay{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(r)
	server.Domain = "localhost"
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	n, _ := strconv.Atoi(port)
	at := clock.Hold(time.Date(2026, 11, 21, 5, 0, 0, 0, time.UTC))
	return r, mail.SMTP{Host: "127.0.0.1", Port: n, TLS: mail.Plain, From: "no-reply@tegata.example", FromName: "Tegata ID", Timeout: 5 * time.Second, Clock: at.Now}
}

func TestAMailArrivesAsTextAndHTML(t *testing.T) {
	r, server := start(t)
	m := mail.Message{ID: "018f-1", To: "ada@example.org", Subject: "アカウントを有効にしてください", Text: "リンク\nhttps://id.example/activate?token=1", HTML: "<p>リンク</p>", Lang: "ja"}
	if err := server.Send(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	got, err := netmail.ReadMessage(bytes.NewReader(r.data))
	if err != nil {
		t.Fatal(err)
	}
	subject, _ := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
	for name, pair := range map[string][2]string{
		"Subject": {subject, m.Subject}, "To": {got.Header.Get("To"), "<ada@example.org>"}, "From": {got.Header.Get("From"), `"Tegata ID" <no-reply@tegata.example>`},
		"Date": {got.Header.Get("Date"), "Sat, 21 Nov 2026 05:00:00 +0000"}, "Message-ID": {got.Header.Get("Message-ID"), "<018f-1@tegata.example>"},
		"Auto-Submitted": {got.Header.Get("Auto-Submitted"), "auto-generated"}, "recipients": {strings.Join(r.to, ","), "ada@example.org"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %q, want %q", name, pair[0], pair[1])
		}
	}
	text, html := parts(t, got)
	if strings.ReplaceAll(text, "\r\n", "\n") != m.Text || html != m.HTML {
		t.Errorf("text %q, html %q", text, html)
	}
}

func parts(t *testing.T, m *netmail.Message) (text, html string) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("content type %s (%v)", kind, err)
	}
	reader := multipart.NewReader(m.Body, params["boundary"])
	var bodies []string
	for {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, string(raw))
	}
	if len(bodies) != 2 {
		t.Fatalf("%d parts, want 2", len(bodies))
	}
	return bodies[0], bodies[1]
}

// TestNothingGetsIntoTheHeaders: A-091.
func TestNothingGetsIntoTheHeaders(t *testing.T) {
	r, server := start(t)
	for _, m := range []mail.Message{
		{To: "ada@example.org\r\nBcc: eve@evil.example", Subject: "x", Text: "x"},
		{To: "ada@example.org, eve@evil.example", Subject: "x", Text: "x"},
		{To: "ada@example.org", Subject: "x\r\nBcc: eve@evil.example", Text: "x"},
		{To: "ada@example.org", Subject: "x\nBcc: eve@evil.example", Text: "x"},
		{To: "ada@example.org", Subject: "x", Text: "x", Lang: "ja\r\nBcc: eve@evil.example"},
		{To: "ada@example.org", ID: "1>\r\nBcc: eve@evil.example", Subject: "x", Text: "x"},
	} {
		if err := server.Send(context.Background(), m); err == nil || !mail.Refused(err) || r.data != nil {
			t.Errorf("%q: sent, or to be tried again (%v)", m, err)
		}
	}
}

func TestALineWithADotEndsNothing(t *testing.T) {
	r, server := start(t)
	body := "one\r\n.\r\nMAIL FROM:<eve@evil.example>\r\n"
	if err := server.Send(context.Background(), mail.Message{To: "ada@example.org", Subject: "x", Text: body}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(r.data, []byte("MAIL FROM:<eve")) || r.from != "no-reply@tegata.example" {
		t.Errorf("from %q:\n%s", r.from, r.data)
	}
}

func TestOnlyAnAnswerOf5xxIsForGood(t *testing.T) {
	r, server := start(t)
	m := mail.Message{To: "ada@example.org", Subject: "x", Text: "x"}
	for _, c := range []struct {
		refuse error
		final  bool
	}{
		{&smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}, true},
		{&smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 2, 0}, Message: "later"}, false},
	} {
		r.refuse = c.refuse
		if err := server.Send(context.Background(), m); err == nil || mail.Refused(err) != c.final {
			t.Errorf("%v: %v, for good %v", c.refuse, err, mail.Refused(err))
		}
	}
	server.Port = 1
	if err := server.Send(context.Background(), m); err == nil || mail.Refused(err) {
		t.Errorf("a server that is away: %v", err)
	}
}

func TestSTARTTLSIsNotLeftOutWhenTheServerHasNone(t *testing.T) {
	r, server := start(t)
	port := server.Port
	server.TLS = mail.STARTTLS
	server.Port = port
	err := server.Send(context.Background(), mail.Message{To: "ada@example.org", Subject: "x", Text: "x"})
	if err == nil || mail.Refused(err) || r.data != nil {
		t.Errorf("sent in the clear, or given up: %v", err)
	}
}

func TestSettingsThatCannotWorkAreFoundEarly(t *testing.T) {
	_, good := start(t)
	if err := good.Check(); err != nil {
		t.Errorf("%v", err)
	}
	for _, change := range []func(*mail.SMTP){
		func(s *mail.SMTP) { s.TLS = "yes" }, func(s *mail.SMTP) { s.Host = "" }, func(s *mail.SMTP) { s.From = "nobody" }, func(s *mail.SMTP) { s.Port = 99999 },
	} {
		bad := good
		change(&bad)
		if bad.Check() == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}
