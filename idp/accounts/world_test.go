package accounts_test

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"tegata/idp/accounts"
	"tegata/idp/notify"
	"tegata/idp/passwords"
	"tegata/idp/schema"
	"tegata/shared/audit"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/limit"
	"tegata/shared/locale"
	"tegata/shared/once"
	"tegata/shared/outbox"
	"tegata/shared/secret"
)

// start is when every story begins.
var start = time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC)

// good is a password that meets all rules.
const good = "Kumo7!yukigawa"

// world is the service with its neighbours, real but for the clock and the mail server.
type world struct {
	*accounts.Service
	t       testing.TB
	db      *db.DB
	clock   *clock.Held
	outbox  *outbox.Outbox
	postbox notify.Postbox
	hasher  *passwords.Hasher
}

// each tells a story on both databases.
func each(t *testing.T, story func(t *testing.T, w world)) {
	t.Helper()
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) { story(t, newWorld(t, d)) })
}

func newWorld(t testing.TB, d *db.DB) world {
	t.Helper()
	seal, err := secret.NewSealer(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := locale.Load([]fs.FS{notify.Locales()}...)
	if err != nil {
		t.Fatal(err)
	}
	held := clock.Hold(start)
	box := &outbox.Outbox{DB: d, Clock: held.Now, Seal: seal, Log: slog.New(slog.DiscardHandler)}
	post := notify.Postbox{Store: notify.Store{DB: d}, Clock: held.Now}
	told := &notify.Service{
		Outbox: box, Catalog: catalog, Brand: notify.Brand{Name: map[string]string{"en": "Tegata"}},
		PublicURL: "https://id.example", Transport: post.Deliver,
	}
	box.Senders = map[string]outbox.Sender{notify.Kind: told.Send}
	cheap := passwords.Params{Memory: 64, Time: 1, Threads: 1}
	hasher := &passwords.Hasher{Seal: seal, Params: cheap, Parallel: 4, Wait: time.Minute}
	return world{t: t, db: d, clock: held, outbox: box, postbox: post, hasher: hasher, Service: &accounts.Service{
		Store: accounts.Store{DB: d}, Passwords: passwords.Store{DB: d}, Hasher: hasher,
		Once: once.Store{DB: d, Seal: seal}, Limit: limit.Limiter{DB: d}, Audit: audit.Log{DB: d, Clock: held.Now},
		Notify: told, Clock: held.Now, Rules: accounts.DefaultRules(), Terms: "2026-04",
	}}
}

// from is the context of a request from that place.
func from(t testing.TB, place string) context.Context {
	return audit.WithOrigin(t.Context(), audit.Origin{RequestID: "r1", Place: place, Agent: "test"})
}

func draft(email string) accounts.Draft {
	return accounts.Draft{
		Email: email, Password: good, GivenName: "Ada", FamilyName: "Nakamura", Country: "JP", Language: "ja",
	}
}

// signUp signs up and gives the waiting page.
func (w world) signUp(email string) string {
	w.t.Helper()
	id, err := w.SignUp(from(w.t, "192.0.2.1"), draft(email))
	if err != nil {
		w.t.Fatalf("sign up %s: %v", email, err)
	}
	return id
}

// mails delivers what is due and gives the letters to an address, the newest first.
func (w world) mails(to string) []notify.Letter {
	w.t.Helper()
	if _, err := w.outbox.Deliver(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	all, err := w.postbox.All(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	var mine []notify.Letter
	for _, l := range all {
		if l.To == to {
			mine = append(mine, l)
		}
	}
	return mine
}

// token is that of the newest mail's button.
func (w world) token(to string) string {
	w.t.Helper()
	all := w.mails(to)
	if len(all) == 0 {
		w.t.Fatalf("no mail to %s", to)
	}
	_, token, _ := strings.Cut(all[0].Links[0], "token=")
	return token
}

// active signs up, proves and logs in.
func (w world) active(email string) accounts.Account {
	w.t.Helper()
	w.signUp(email)
	if l, err := w.ProveByLink(w.t.Context(), w.token(email)); err != nil || l.State != accounts.Fresh {
		w.t.Fatalf("prove %s: %v %v", email, l.State, err)
	}
	a, err := w.LogIn(w.t.Context(), email, good)
	if err != nil {
		w.t.Fatalf("log in %s: %v", email, err)
	}
	return a
}

func (w world) link(token string) accounts.LinkState {
	w.t.Helper()
	l, err := w.LookLink(w.t.Context(), token)
	if err != nil {
		w.t.Fatal(err)
	}
	return l.State
}

// actions gives the audit trail.
func (w world) actions() []string {
	w.t.Helper()
	events, err := w.Audit.Tail(w.t.Context(), 1000, "")
	if err != nil {
		w.t.Fatal(err)
	}
	all := make([]string, len(events))
	for i, e := range events {
		all[i] = e.Action
	}
	return all
}

func (w world) count(table string) int {
	w.t.Helper()
	var n int
	if err := w.db.Row(w.t.Context(), `select count(*) from `+table, nil, &n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func readPeople(t testing.TB) []accounts.Person {
	t.Helper()
	f, err := os.Open("../../testdata/people.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := accounts.ReadPeople(f)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
