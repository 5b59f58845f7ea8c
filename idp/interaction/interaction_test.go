package interaction_test

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tegata/idp/accounts"
	"tegata/idp/interaction"
	"tegata/idp/notify"
	"tegata/idp/passwords"
	"tegata/idp/schema"
	"tegata/idp/sessions"
	"tegata/shared/audit"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/fault"
	"tegata/shared/limit"
	"tegata/shared/locale"
	"tegata/shared/once"
	"tegata/shared/outbox"
	"tegata/shared/secret"
)

const (
	ada  = "ada@example.jp"
	eve  = "eve@example.jp"
	good = "Kumo7!yukigawa"
)

// world is the service with its neighbours and two people who can log in.
type world struct {
	*interaction.Service
	t       *testing.T
	clock   *clock.Held
	browser string
}

func each(t *testing.T, story func(t *testing.T, w world)) {
	t.Helper()
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for _, email := range []string{ada, eve} {
			_, err := w.Accounts.Seed(t.Context(), []accounts.Person{{
				Email: email, Password: good, GivenName: "Ada", FamilyName: "Nakamura", Country: "JP", Language: "ja",
			}})
			if err != nil {
				t.Fatal(err)
			}
		}
		story(t, w)
	})
}

func newWorld(t *testing.T, d *db.DB) world {
	t.Helper()
	seal, err := secret.NewSealer(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := locale.Load(notify.Locales())
	if err != nil {
		t.Fatal(err)
	}
	held := clock.Hold(time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC))
	log := audit.Log{DB: d, Clock: held.Now}
	box := &outbox.Outbox{DB: d, Clock: held.Now, Log: slog.New(slog.DiscardHandler)}
	cheap := passwords.Params{Memory: 64, Time: 1, Threads: 1}
	return world{t: t, clock: held, browser: interaction.NewBrowser(), Service: &interaction.Service{
		Store: interaction.Store{DB: d}, Audit: log, Clock: held.Now,
		Sessions: &sessions.Service{Store: sessions.Store{DB: d}, Audit: log, Clock: held.Now},
		Accounts: &accounts.Service{
			Store: accounts.Store{DB: d}, Passwords: passwords.Store{DB: d},
			Hasher: &passwords.Hasher{Seal: seal, Params: cheap, Wait: time.Minute},
			Once:   once.Store{DB: d, Seal: seal}, Limit: limit.Limiter{DB: d}, Audit: log, Clock: held.Now,
			Notify: &notify.Service{Outbox: box, Catalog: catalog}, Rules: accounts.DefaultRules(), Terms: "1",
		},
	}}
}

func (w world) begin(asked interaction.Asked) interaction.Interaction {
	w.t.Helper()
	it, err := w.Begin(w.t.Context(), w.browser, asked)
	if err != nil {
		w.t.Fatal(err)
	}
	return it
}

// logIn takes both steps and gives the context of the browser's next request.
func (w world) logIn(ctx context.Context, id, email string) (context.Context, sessions.Session) {
	w.t.Helper()
	if err := w.Identify(ctx, id, w.browser, email); err != nil {
		w.t.Fatal(err)
	}
	one, token, err := w.Password(ctx, id, w.browser, good)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.request(token), one
}

// request is the context of a request with that session cookie.
func (w world) request(token string) context.Context {
	w.t.Helper()
	one, err := w.Sessions.ByToken(w.t.Context(), token)
	if err != nil {
		w.t.Fatal(err)
	}
	return sessions.With(w.t.Context(), &one)
}

func (w world) wantStep(ctx context.Context, id string, want interaction.Step) {
	w.t.Helper()
	_, got, err := w.Step(ctx, id, w.browser)
	if err != nil || got != want {
		w.t.Errorf("step %v (%v), want %v", got, err, want)
	}
}

func TestAConversationFromAddressToCode(t *testing.T) { // S-047, S-056
	each(t, func(t *testing.T, w world) {
		asked := interaction.Asked{
			ClientID: "shop", ClientName: "Shop", Request: "state=1&nonce=2", Target: "https://shop.example/cart", LoginHint: ada,
			UILocales: "ja en", Prompt: []string{"login"}, MaxAge: ptr(90 * time.Second), Scopes: []string{"openid", "email"}, NeedsConsent: true,
		}
		it := w.begin(asked)
		loaded, err := w.Load(t.Context(), it.ID, w.browser)
		if err != nil || loaded.Request != asked.Request || *loaded.MaxAge != *asked.MaxAge || !slices.Equal(loaded.Scopes, asked.Scopes) || loaded.Prefill() != ada {
			t.Fatalf("loaded %+v %v", loaded, err)
		}
		w.wantStep(t.Context(), it.ID, interaction.AskIdentifier)
		if _, _, err := w.Password(t.Context(), it.ID, w.browser, good); !fault.Is(err, fault.Invalid) {
			t.Errorf("password before address: %v, want invalid", err)
		}
		if _, _, err := w.Finish(t.Context(), it.ID, w.browser); !fault.Is(err, fault.Denied) {
			t.Errorf("finished before it began: %v, want denied", err)
		}
		ctx, one := w.logIn(t.Context(), it.ID, "ADA@example.jp")
		w.wantStep(ctx, it.ID, interaction.AskConsent)
		w.wantStep(t.Context(), it.ID, interaction.AskPassword) // without the session nothing is proved
		if err := w.Consent(ctx, it.ID, w.browser, &one, true); err != nil {
			t.Fatal(err)
		}
		done, step, err := w.Finish(ctx, it.ID, w.browser)
		if err != nil || step != interaction.Done || done.AccountID != one.AccountID {
			t.Errorf("finish: %v %v %+v", step, err, done)
		}
		again := asked
		again.Prompt, again.MaxAge = nil, nil
		if step, err := w.StepFor(ctx, again); err != nil || step != interaction.Done {
			t.Errorf("the next request: %v %v, want done at once", step, err)
		}
		again.Scopes = append(again.Scopes, "profile")
		if step, err := w.StepFor(ctx, again); err != nil || step != interaction.AskConsent {
			t.Errorf("with one scope more: %v %v, want consent", step, err)
		}
	})
}

func TestSayingNoRefusesTheClient(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		it := w.begin(interaction.Asked{ClientID: "shop", Scopes: []string{"openid"}, NeedsConsent: true})
		ctx, one := w.logIn(t.Context(), it.ID, ada)
		if err := w.Consent(ctx, it.ID, w.browser, &one, false); err != nil {
			t.Fatal(err)
		}
		if _, step, err := w.Finish(ctx, it.ID, w.browser); err != nil || step != interaction.RefuseAccessDenied {
			t.Errorf("finish: %v %v, want access denied", step, err)
		}
		if covered, err := w.Covered(t.Context(), one.AccountID, "shop", []string{"openid"}); err != nil || covered {
			t.Errorf("covered %v %v, want not", covered, err)
		}
	})
}

func TestAConversationBelongsToItsBrowser(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		it := w.begin(interaction.Asked{ClientID: "tracker", Request: "state=1", Target: "/exams"})
		for _, other := range []string{"", "x", interaction.NewBrowser()} {
			got, err := w.Load(t.Context(), it.ID, other)
			if !fault.Is(err, fault.Denied) || got.Request != "" {
				t.Errorf("browser %q: %+v %v, want denied", other, got, err)
			}
			if err := w.Identify(t.Context(), it.ID, other, ada); !fault.Is(err, fault.Denied) {
				t.Errorf("identify from browser %q: %v, want denied", other, err)
			}
			if _, _, err := w.Password(t.Context(), it.ID, other, good); !fault.Is(err, fault.Denied) {
				t.Errorf("password from browser %q: %v, want denied", other, err)
			}
		}
		got, err := w.Peek(t.Context(), it.ID)
		if err != nil || got.ClientID != "tracker" || got.Target != "/exams" || got.Request != "" || got.Email != "" {
			t.Errorf("peek %+v %v, want client and target only", got, err)
		}
		for _, none := range []string{secret.NewID(), "", "x\x00", it.ID + "\xff"} {
			if _, err := w.Peek(t.Context(), none); !fault.Is(err, fault.NotFound) {
				t.Errorf("peek at %q: %v, want not found", none, err)
			}
		}
		odd, err := w.Begin(t.Context(), w.browser, interaction.Asked{LoginHint: "a\xff\x00" + string(make([]byte, 1000))})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := w.Load(t.Context(), odd.ID, w.browser); err != nil || got.Prefill() != "a" {
			t.Errorf("an odd hint became %q (%v)", got.Prefill(), err)
		}
		if _, err := w.Begin(t.Context(), "", interaction.Asked{}); !fault.Is(err, fault.Denied) {
			t.Errorf("begin without a browser: %v, want denied", err)
		}
	})
}

func TestAConversationLastsAnHourAndItsAimEightDays(t *testing.T) { // S-016
	each(t, func(t *testing.T, w world) {
		it := w.begin(interaction.Asked{ClientID: "tracker", Target: "/exams"})
		w.clock.Move(time.Hour)
		if _, err := w.Load(t.Context(), it.ID, w.browser); !fault.Is(err, fault.Expired) {
			t.Errorf("after an hour: %v, want expired", err)
		}
		w.clock.Move(accounts.ActivationFor)
		if _, err := w.Sweep(t.Context(), w.clock.Now()); err != nil {
			t.Fatal(err)
		}
		if got, err := w.Peek(t.Context(), it.ID); err != nil || got.Target != "/exams" {
			t.Errorf("peek when the mail expires: %+v %v, want the target still", got, err)
		}
		w.clock.Move(24 * time.Hour)
		if n, err := w.Sweep(t.Context(), w.clock.Now()); err != nil || n != 1 {
			t.Errorf("swept %d (%v), want 1", n, err)
		}
	})
}

func TestLoggingInAgainRenewsTheSession(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx, first := w.logIn(t.Context(), w.begin(interaction.Asked{}).ID, ada)
		w.clock.Move(time.Minute)
		it := w.begin(interaction.Asked{ClientID: "tracker", MaxAge: ptr(0)})
		w.wantStep(ctx, it.ID, interaction.AskIdentifier)
		ctx, second := w.logIn(ctx, it.ID, ada)
		w.wantStep(ctx, it.ID, interaction.Done)
		if second.ID != first.ID || !second.AuthTime.After(first.AuthTime) {
			t.Errorf("session %+v after %+v, want the same id and a later time", second, first)
		}
	})
}

func TestLoggingInAsSomebodyElseEndsTheOtherSession(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx, first := w.logIn(t.Context(), w.begin(interaction.Asked{}).ID, ada)
		it := w.begin(interaction.Asked{ClientID: "tracker", Prompt: []string{"select_account"}})
		ctx, second := w.logIn(ctx, it.ID, eve)
		w.wantStep(ctx, it.ID, interaction.Done)
		if second.ID == first.ID || second.AccountID == first.AccountID {
			t.Errorf("session %+v, want one of eve's own", second)
		}
		if all, err := w.Sessions.OfAccount(t.Context(), first.AccountID); err != nil || len(all) != 0 {
			t.Errorf("ada has %d sessions (%v), want none", len(all), err)
		}
		events, err := w.Audit.Tail(t.Context(), 100, "")
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(events, func(e audit.Event) bool { return e.Action == "session.ended" })
		if at < 0 || events[at].Actor != second.AccountID || events[at].Subject != first.AccountID || events[at].Details["why"] == "" {
			t.Errorf("%+v, want that eve ended ada's session, and why", events)
		}
	})
}

func TestOneConversationGivesOneCode(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		it := w.begin(interaction.Asked{ClientID: "tracker"})
		ctx, _ := w.logIn(t.Context(), it.ID, ada)
		var won atomic.Int32
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				_, _, err := w.Finish(ctx, it.ID, w.browser)
				if err == nil {
					won.Add(1)
				} else if !fault.Is(err, fault.Conflict) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Errorf("%d finished it, want 1", won.Load())
		}
		if err := w.Identify(ctx, it.ID, w.browser, ada); !fault.Is(err, fault.Conflict) {
			t.Errorf("going on after the end: %v, want conflict", err)
		}
	})
}

// TestNewTermsAreAskedOnceAndBeforeAnythingElse: S-029.
func TestNewTermsAreAskedOnceAndBeforeAnythingElse(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		w.Accounts.Terms = "2"
		theirs := interaction.Asked{ClientID: "shop", NeedsConsent: true, Scopes: []string{"openid"}}
		it := w.begin(theirs)
		ctx, session := w.logIn(t.Context(), it.ID, ada)
		w.wantStep(ctx, it.ID, interaction.AskTerms)
		if err := w.Consent(ctx, it.ID, w.browser, &session, true); !fault.Is(err, fault.Denied) {
			t.Errorf("consent before the terms: %v, want denied", err)
		}
		if _, _, err := w.Finish(ctx, it.ID, w.browser); !fault.Is(err, fault.Denied) {
			t.Errorf("a code before the terms: %v, want denied", err)
		}
		for range 2 { // pressing twice is no mistake
			if err := w.Accounts.AcceptTerms(ctx, session.AccountID, "ja"); err != nil {
				t.Fatal(err)
			}
		}
		w.wantStep(ctx, it.ID, interaction.AskConsent)
	})
}
