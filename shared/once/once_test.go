package once_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/fault"
	"tegata/shared/once"
	"tegata/shared/secret"
)

const (
	activation once.Purpose = "activation"
	reset      once.Purpose = "reset"
)

// world is a store and its clock.
type world struct {
	once.Store
	*clock.Held
}

func each(t *testing.T, test func(t *testing.T, w world)) {
	t.Helper()
	sealer, err := secret.NewSealer(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	dbtest.Each(t, dbtest.Mechanisms(t), func(t *testing.T, d *db.DB) {
		test(t, world{once.Store{DB: d, Seal: sealer}, clock.Hold(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))})
	})
}

func (w world) issue(t *testing.T, n once.New) secret.Token {
	t.Helper()
	if n.Purpose == "" {
		n.Purpose = activation
	}
	if n.Lives == 0 {
		n.Lives = time.Hour
	}
	token, err := w.Issue(t.Context(), n, w.Now())
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// want checks the kind of an error; Internal stands for no error.
func want(t *testing.T, what string, err error, kind fault.Kind) {
	t.Helper()
	if kind == fault.Internal && err != nil || kind != fault.Internal && !fault.Is(err, kind) {
		t.Errorf("%s: got %v, want %v", what, err, kind)
	}
}

func TestATokenIsSpentOnce(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		type payload struct{ Email string }
		token := w.issue(t, once.New{Subject: "account", Payload: payload{"ada@example.org"}})
		for range 2 { // looking changes nothing
			got, err := w.Look(t.Context(), activation, token.String(), w.Now())
			want(t, "look", err, fault.Internal)
			var p payload
			if err := got.Read(&p); err != nil || p.Email != "ada@example.org" || got.Subject != "account" || got.SpentAt != nil {
				t.Errorf("look: got %+v with %+v, %v", got, p, err)
			}
		}
		got, err := w.Spend(t.Context(), activation, token.String(), w.Now())
		want(t, "spend", err, fault.Internal)
		if got.SpentAt == nil || got.ID != token.ID || !got.ExpiresAt.Equal(w.Now().Add(time.Hour)) {
			t.Errorf("spend: got %+v", got)
		}
		w.Move(24 * time.Hour)
		got, err = w.Spend(t.Context(), activation, token.String(), w.Now())
		want(t, "spend again, after it expired too", err, fault.Conflict)
		if got.Subject != "account" || got.SpentAt == nil || got.Replaced {
			t.Errorf("the ticket of a spent token: got %+v", got)
		}
	})
}

func TestWhatDoesNotFitIsUnknown(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		token, other := w.issue(t, once.New{Subject: "s"}), w.issue(t, once.New{})
		for what, s := range map[string]string{
			"nothing":         "",
			"no token":        "x",
			"unknown id":      secret.NewToken().String(),
			"wrong secret":    secret.Token{ID: token.ID, Secret: other.Secret}.String(),
			"secret cut":      token.String()[:len(token.String())-1],
			"bytes, not text": token.ID + ".\x00\xff" + token.Secret,
			"id of capitals":  strings.ToUpper(token.ID) + "." + token.Secret,
		} {
			got, err := w.Spend(t.Context(), activation, s, w.Now())
			want(t, what, err, fault.NotFound)
			if got.Subject != "" {
				t.Errorf("%s: betrays %+v", what, got)
			}
		}
		_, err := w.Spend(t.Context(), reset, token.String(), w.Now())
		want(t, "other purpose", err, fault.NotFound)
		_, err = w.Spend(t.Context(), activation, token.String(), w.Now())
		want(t, "after all that", err, fault.Internal)
	})
}

func TestAnExpiredTokenSaysSo(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		token := w.issue(t, once.New{Subject: "s", Lives: time.Minute})
		w.Move(time.Minute - time.Microsecond)
		_, err := w.Look(t.Context(), activation, token.String(), w.Now())
		want(t, "a moment before", err, fault.Internal)
		w.Move(time.Microsecond)
		got, err := w.Spend(t.Context(), activation, token.String(), w.Now())
		want(t, "at its end", err, fault.Expired)
		if got.Subject != "s" || got.SpentAt != nil {
			t.Errorf("got %+v", got)
		}
	})
}

func TestEndReplacesWhatASubjectHasOpen(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		used, first := w.issue(t, once.New{Subject: "ada"}), w.issue(t, once.New{Subject: "ada"})
		others := []secret.Token{w.issue(t, once.New{Subject: "bob"}), w.issue(t, once.New{})}
		_, err := w.Spend(t.Context(), activation, used.String(), w.Now())
		want(t, "use one", err, fault.Internal)
		for subject, n := range map[string]int64{"ada": 1, "": 0, "nobody": 0} {
			if got, err := w.End(t.Context(), activation, subject, w.Now()); err != nil || got != n {
				t.Errorf("end of %q: got %d, %v, want %d", subject, got, err, n)
			}
		}
		got, err := w.Look(t.Context(), activation, first.String(), w.Now())
		want(t, "replaced", err, fault.Conflict)
		if !got.Replaced || fault.Of(err).Key != "once.replaced" {
			t.Errorf("got %+v, %v", got, err)
		}
		got, err = w.Look(t.Context(), activation, used.String(), w.Now())
		if got.Replaced || fault.Of(err).Key != "once.spent" {
			t.Errorf("a used one is taken for a replaced one: %+v, %v", got, err)
		}
		for _, token := range others {
			_, err := w.Spend(t.Context(), activation, token.String(), w.Now())
			want(t, "of others", err, fault.Internal)
		}
	})
}

func TestSpendStandsOrFallsWithItsTransaction(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		token := w.issue(t, once.New{})
		failed := errors.New("failed")
		err := w.DB.Tx(t.Context(), func(ctx context.Context) error {
			_, err := w.Spend(ctx, activation, token.String(), w.Now())
			return errors.Join(err, failed)
		})
		if !errors.Is(err, failed) || fault.Of(err) != nil {
			t.Fatal(err)
		}
		_, err = w.Spend(t.Context(), activation, token.String(), w.Now())
		want(t, "after it was undone", err, fault.Internal)
	})
}

// A-097 and the house rule: of any number who come at once, one wins.
func TestOfManyAtOnceOneSpends(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		const rounds, people = 10, 50
		for range rounds {
			token := w.issue(t, once.New{Subject: "s"})
			var won, lost atomic.Int64
			together(people, func(int) {
				_, err := w.Spend(t.Context(), activation, token.String(), w.Now())
				switch {
				case err == nil:
					won.Add(1)
				case fault.Is(err, fault.Conflict):
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
			if won.Load() != 1 || lost.Load() != people-1 {
				t.Fatalf("%d won and %d lost, want 1 and %d", won.Load(), lost.Load(), people-1)
			}
		}
	})
}

// together starts n goroutines and lets them go at the same moment.
func together(n int, do func(i int)) {
	var all sync.WaitGroup
	start := make(chan bool)
	for i := range n {
		all.Go(func() { <-start; do(i) })
	}
	close(start)
	all.Wait()
}

func TestACodeHasFiveTries(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		token := w.issue(t, once.New{Subject: "s", Code: "123456"})
		for range 5 {
			_, err := w.Try(t.Context(), activation, token.ID, "000000", w.Now())
			want(t, "wrong", err, fault.Denied)
		}
		got, err := w.Try(t.Context(), activation, token.ID, "123456", w.Now())
		want(t, "right, but too late", err, fault.TooMany)
		if got.Tries != 5 {
			t.Errorf("tries: got %d, want 5", got.Tries)
		}
		_, err = w.Spend(t.Context(), activation, token.String(), w.Now())
		want(t, "the link of the same row, which nobody can guess", err, fault.Internal)
	})
}

func TestARightCodeSpendsTheRow(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		token := w.issue(t, once.New{Subject: "s", Code: "123456", MaxTries: 2, Lives: time.Minute})
		for what, id := range map[string]string{"unknown": secret.NewID(), "nonsense": "\x00", "without a code": w.issue(t, once.New{}).ID} {
			_, err := w.Try(t.Context(), activation, id, "123456", w.Now())
			if !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: got %v", what, err)
			}
		}
		_, err := w.Try(t.Context(), reset, token.ID, "123456", w.Now())
		want(t, "other purpose", err, fault.NotFound)
		_, err = w.Try(t.Context(), activation, token.ID, "", w.Now())
		want(t, "empty code", err, fault.Denied)
		got, err := w.Try(t.Context(), activation, token.ID, "123456", w.Now())
		want(t, "right", err, fault.Internal)
		if got.SpentAt == nil || got.Subject != "s" {
			t.Errorf("got %+v", got)
		}
		_, err = w.Try(t.Context(), activation, token.ID, "123456", w.Now())
		want(t, "again", err, fault.Conflict)
		_, err = w.Spend(t.Context(), activation, token.String(), w.Now())
		want(t, "its link", err, fault.Conflict)

		late := w.issue(t, once.New{Code: "123456", Lives: time.Minute})
		w.Move(time.Minute)
		_, err = w.Try(t.Context(), activation, late.ID, "123456", w.Now())
		want(t, "expired", err, fault.Expired)
	})
}

func TestAGuessIsNeverPartOfATransaction(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		token := w.issue(t, once.New{Code: "123456"})
		err := w.DB.Tx(t.Context(), func(ctx context.Context) error {
			_, err := w.Try(ctx, activation, token.ID, "123456", w.Now())
			return err
		})
		if err == nil || fault.Of(err) != nil {
			t.Errorf("got %v, want a refusal that is nobody's fault but ours", err)
		}
		ticket, err := w.Guess(t.Context(), activation, token.ID, "123456", w.Now())
		want(t, "guess", err, fault.Internal)
		for _, kind := range []fault.Kind{fault.Internal, fault.Conflict} {
			err = w.DB.Tx(t.Context(), func(ctx context.Context) error {
				_, err := w.SpendGuessed(ctx, ticket, w.Now())
				return err
			})
			want(t, "spend what was guessed", err, kind)
		}
	})
}

// parallel guesses are counted like others, and one of several right ones wins.
func TestParallelGuessesGetNoMoreTries(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		for round := range 5 {
			token := w.issue(t, once.New{Code: "123456"})
			var denied, tooMany, won, other atomic.Int64
			together(50, func(i int) {
				code := "000000"
				if round%2 == 1 {
					code = "123456"
				}
				_, err := w.Try(t.Context(), activation, token.ID, code, w.Now())
				switch {
				case err == nil:
					won.Add(1)
				case fault.Is(err, fault.Denied):
					denied.Add(1)
				case fault.Is(err, fault.TooMany), fault.Is(err, fault.Conflict):
					tooMany.Add(1)
				default:
					other.Add(1)
					t.Error(err)
				}
			})
			wantWon, wantDenied := int64(0), int64(5)
			if round%2 == 1 {
				wantWon, wantDenied = 1, 0
			}
			if won.Load() != wantWon || denied.Load() != wantDenied || won.Load()+denied.Load()+tooMany.Load() != 50 {
				t.Errorf("round %d: %d won, %d compared and denied, %d refused; want %d won, %d denied",
					round, won.Load(), denied.Load(), tooMany.Load(), wantWon, wantDenied)
			}
		}
	})
}

func TestAnIDIsSeenOnceUntilItEnds(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		until := w.Now().Add(time.Minute)
		want(t, "first", w.Seen(t.Context(), "jti", "a", until, w.Now()), fault.Internal)
		want(t, "again", w.Seen(t.Context(), "jti", "a", until, w.Now()), fault.Conflict)
		want(t, "other id", w.Seen(t.Context(), "jti", "b", until, w.Now()), fault.Internal)
		want(t, "other purpose", w.Seen(t.Context(), "dpop", "a", until, w.Now()), fault.Internal)
		want(t, "strange bytes", w.Seen(t.Context(), "jti", "\x00\xff", until, w.Now()), fault.Internal)
		w.Move(time.Minute)
		want(t, "when it cannot be used anyway", w.Seen(t.Context(), "jti", "a", until.Add(time.Minute), w.Now()), fault.Internal)
		want(t, "and again", w.Seen(t.Context(), "jti", "a", until.Add(time.Minute), w.Now()), fault.Conflict)
	})
}

func TestOfManyAtOnceOneIsFirst(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		for round := range 10 {
			var first atomic.Int64
			together(50, func(int) {
				err := w.Seen(t.Context(), "jti", fmt.Sprint(round), w.Now().Add(time.Minute), w.Now())
				if err == nil {
					first.Add(1)
				} else if !fault.Is(err, fault.Conflict) {
					t.Error(err)
				}
			})
			if first.Load() != 1 {
				t.Fatalf("%d were first", first.Load())
			}
		}
	})
}

func TestSweepForgetsWhatIsOverForLong(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		err := w.DB.Tx(t.Context(), func(ctx context.Context) error {
			for range 1200 {
				if _, err := w.Issue(ctx, once.New{Purpose: reset, Lives: time.Minute}, w.Now()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		open, spent := w.issue(t, once.New{Lives: 48 * time.Hour}), w.issue(t, once.New{Lives: 2 * time.Hour})
		_, err = w.Spend(t.Context(), activation, spent.String(), w.Now())
		want(t, "spend", err, fault.Internal)
		w.Move(25 * time.Hour)
		if n, err := w.Sweep(t.Context(), w.Now(), 24*time.Hour); err != nil || n != 1200 {
			t.Errorf("got %d, %v, want 1200", n, err)
		}
		_, err = w.Look(t.Context(), activation, open.String(), w.Now())
		want(t, "open", err, fault.Internal)
		_, err = w.Look(t.Context(), activation, spent.String(), w.Now())
		want(t, "spent, and not over for long", err, fault.Conflict)
	})
}

// a copy of the database opens nothing.
func TestTheDatabaseKeepsDigestsOnly(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		token := w.issue(t, once.New{Code: "123456"})
		var row string
		err := w.DB.Row(t.Context(), `select id || purpose || subject || payload from once`, nil, &row)
		var digest, code []byte
		err = errors.Join(err, w.DB.Row(t.Context(), `select digest, code from once`, nil, &digest, &code))
		if err != nil {
			t.Fatal(err)
		}
		all := row + string(digest) + string(code)
		if strings.Contains(all, token.Secret) || strings.Contains(all, "123456") {
			t.Errorf("the row betrays its secret: %q", all)
		}
		if len(digest) != 32 || len(code) != 32 || string(code) == string(secret.Digest("123456")) {
			t.Errorf("digest %x, code %x: want 32 bytes each, the code's keyed", digest, code)
		}
	})
}
