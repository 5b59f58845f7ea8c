package notify_test

import (
	"context"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegata/idp/notify"
	"tegata/idp/schema"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/locale"
	"tegata/shared/outbox"
)

var update = flag.Bool("update", false, "rewrite the golden mails in testdata")

var start = time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC)

// office is the service with a postbox.
type office struct {
	*notify.Service
	post notify.Postbox
}

func newOffice(t *testing.T, d *db.DB) office {
	t.Helper()
	catalog, err := locale.Load(notify.Locales())
	if err != nil {
		t.Fatal(err)
	}
	now := clock.Hold(start)
	post := notify.Postbox{Store: notify.Store{DB: d}, Clock: now.Now}
	s := &notify.Service{
		Catalog: catalog, Brand: notify.Brand{Name: map[string]string{"en": "Tegata"}}, PublicURL: "https://id.example", Transport: post.Deliver,
		Outbox: &outbox.Outbox{DB: d, Clock: now.Now, Log: slog.New(slog.DiscardHandler)},
	}
	s.Outbox.Senders = map[string]outbox.Sender{notify.Kind: s.Send}
	return office{s, post}
}

// letter delivers what was queued and gives the newest letter.
func (o office) letter(t *testing.T) notify.Letter {
	t.Helper()
	if _, err := o.Outbox.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, err := o.post.All(t.Context())
	if err != nil || len(all) == 0 {
		t.Fatalf("no letter (%v)", err)
	}
	return all[0]
}

// golden compares with testdata/NAME, or rewrites it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (run with -update after reading it):\n%s", name, got)
	}
}

func TestMailsAreAsTheyWere(t *testing.T) { // S-033 to S-037, S-025
	o := newOffice(t, dbtest.SQLite(t, schema.FS))
	for lang, zone := range map[string]string{"ja": "Asia/Tokyo", "en": "UTC"} {
		to := notify.Reader{Email: "ada@example.jp", Language: lang, Zone: zone}
		for name, queue := range map[string]func(context.Context) error{
			"activation": func(ctx context.Context) error {
				return o.Activation(ctx, to, "ID.SECRET", "12345678", start.Add(7*24*time.Hour))
			},
			"already": func(ctx context.Context) error { return o.AlreadyHave(ctx, to) },
		} {
			if err := queue(t.Context()); err != nil {
				t.Fatal(err)
			}
			l := o.letter(t)
			golden(t, name+"."+lang+".txt", "To: "+l.To+"\nSubject: "+l.Subject+"\n\n"+l.Text)
			golden(t, name+"."+lang+".html", l.HTML)
		}
	}
}

func TestTheActivationMailHasWhatItPromises(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		to := notify.Reader{Email: "ada@example.jp", Language: "ja", Zone: "Asia/Tokyo"}
		if err := o.Activation(t.Context(), to, "ID.SECRET", "12345678", start.Add(7*24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		l := o.letter(t)
		for _, want := range []string{
			"こんにちは", "Tegata へようこそ", "アカウントを有効にするには、ボタンをクリックしてください", "アカウントを有効化", // S-033
			"有効期間 7 日: ボタンとコードは 2026年4月8日(水) 18:00 JST までご利用いただけます。", "1234 5678", "https://id.example/activate?token=ID.SECRET",
		} {
			if !strings.Contains(l.Text, want) || !strings.Contains(l.HTML, want) {
				t.Errorf("text or HTML lacks %q", want)
			}
		}
		if n := strings.Count(l.Text, "\n- "); n != 5 || strings.Count(l.HTML, "<li") != 5 { // S-035
			t.Errorf("%d bullets, want 5", n)
		}
		if l.Links[0] != "https://id.example/activate?token=ID.SECRET" || l.Code != "12345678" {
			t.Errorf("first link %q and code %q, want those of the activation", l.Links[0], l.Code)
		}
		for _, link := range l.Links {
			if !strings.HasPrefix(link, "https://id.example/") || !strings.Contains(l.Text, link) {
				t.Errorf("link %q is not below the public URL, or not in the text", link)
			}
		}
	})
}

func TestALetterThatComesTwiceIsKeptOnce(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		for range 2 {
			if err := o.post.Deliver(t.Context(), notify.Letter{ID: "m1", Kind: "mail", To: "ada@example.jp"}); err != nil {
				t.Fatal(err)
			}
		}
		all, err := o.post.All(t.Context())
		if err != nil || len(all) != 1 || !all[0].At.Equal(start) {
			t.Errorf("%+v %v, want one letter", all, err)
		}
		if n, err := o.post.Sweep(t.Context(), start.Add(7*24*time.Hour+time.Second)); err != nil || n != 1 {
			t.Errorf("swept %d (%v), want 1", n, err)
		}
	})
}

func TestAMailNobodyKnowsIsParked(t *testing.T) {
	o := newOffice(t, dbtest.SQLite(t, schema.FS))
	if _, err := o.Outbox.Put(t.Context(), notify.Kind, "ada@example.jp", map[string]string{"mail": "nonsense"}); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Outbox.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows, err := o.Outbox.List(t.Context(), outbox.Parked, 10)
	if err != nil || len(rows) != 1 {
		t.Errorf("%d parked (%v), want 1", len(rows), err)
	}
}

func TestEveryWordIsThereInEveryLanguage(t *testing.T) { // S-013
	catalog, err := locale.Load(notify.Locales())
	if err != nil {
		t.Fatal(err)
	}
	locale.Check(t, catalog, locale.Sources{Folders: []string{"."}})
}

func TestCodesAreGrouped(t *testing.T) {
	for code, want := range map[string]string{"12345678": "1234 5678", "123456": "123 456", "": "", "1234": "1234"} {
		if got := notify.Grouped(code); got != want {
			t.Errorf("%q is shown as %q, want %q", code, got, want)
		}
	}
}

// TestMailsCallUsByTheNameOfTheirLanguage: English speaks for a language without one.
func TestMailsCallUsByTheNameOfTheirLanguage(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		o.Brand.Name = map[string]string{"en": "Tegata", "ja": "手形"}
		for lang, want := range map[string][2]string{"ja": {"手形", "Tegata"}, "en": {"Tegata", "手形"}} {
			if err := o.AlreadyHave(t.Context(), notify.Reader{Email: "ada@example.jp", Language: lang}); err != nil {
				t.Fatal(err)
			}
			l := o.letter(t)
			if all := l.Subject + l.Text + l.HTML; !strings.Contains(all, want[0]) || strings.Contains(all, want[1]) {
				t.Errorf("%s: the mail does not call us %s only:\n%s", lang, want[0], l.Text)
			}
		}
	})
}
