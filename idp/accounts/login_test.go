package accounts_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tegata/idp/accounts"
	"tegata/idp/passwords"
	"tegata/idp/schema"
	"tegata/shared/db/dbtest"
	"tegata/shared/fault"
)

func TestEveryFailedLogInIsTheSame(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		w.active("ada@example.jp")
		w.signUp("eve@example.jp")
		for _, c := range []struct{ name, email, password string }{
			{"wrong password", "ada@example.jp", "Wrong7!yukigawa"},
			{"unknown address", "nobody@example.jp", good},
			{"not proved, right password", "eve@example.jp", good},
			{"not proved, wrong password", "eve@example.jp", "Wrong7!yukigawa"},
			{"no address at all", "ada", good},
			{"Kelvin sign", "ada@example.jp\u212a", good},
			{"NUL in the address", "ada@example.jp\x00", good},
			{"broken UTF-8 in the address", "ada\xff@example.jp", good},
			{"no password", "ada@example.jp", ""},
			{"a megabyte", "ada@example.jp", string(make([]byte, 1<<20))},
			{"trailing space", "ada@example.jp", good + " "},
		} {
			hashes, events := w.hasher.Computed(), len(w.actions())
			_, err := w.LogIn(from(t, "192.0.2.9"), c.email, c.password)
			if f := fault.Of(err); f == nil || f.Kind != fault.Denied || f.Key != "login.failed" || f.Field != "" {
				t.Errorf("%s: %v, want login.failed", c.name, err)
			}
			if n := w.hasher.Computed() - hashes; n != 1 {
				t.Errorf("%s: %d hashes, want 1", c.name, n)
			}
			if n := len(w.actions()) - events; n != 1 {
				t.Errorf("%s: %d audit events, want 1", c.name, n)
			}
		}
	})
}

func TestGuessesAreCountedForKnownAndUnknownAddresses(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		w.active("ada@example.jp")
		for _, email := range []string{"ada@example.jp", "nobody@example.jp"} {
			hashes := w.hasher.Computed()
			var denied, tooMany atomic.Int32
			var all sync.WaitGroup
			for range 60 {
				all.Go(func() {
					_, err := w.LogIn(from(t, "192.0.2.9"), email, "Wrong7!yukigawa")
					switch {
					case fault.Is(err, fault.Denied):
						denied.Add(1)
					case fault.Is(err, fault.TooMany):
						tooMany.Add(1)
					default:
						t.Errorf("%s: %v", email, err)
					}
				})
			}
			all.Wait()
			if denied.Load() != 10 || tooMany.Load() != 50 || w.hasher.Computed()-hashes != 10 {
				t.Errorf("%s: %d compared, %d refused, %d hashes; want 10, 50, 10", email, denied.Load(), tooMany.Load(), w.hasher.Computed()-hashes)
			}
		}
		if _, err := w.LogIn(from(t, "192.0.2.9"), "ada@example.jp", good); !fault.Is(err, fault.TooMany) {
			t.Errorf("right password beyond the limit: %v, want too many", err)
		}
		if _, err := w.LogIn(from(t, "198.51.100.7"), "ada@example.jp", good); err != nil {
			t.Errorf("right password from another place: %v, one place must not lock others out", err)
		}
	})
}

func TestManyPlacesTogetherGetThirtyGuesses(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		compared := 0
		for i := range 60 {
			if _, err := w.LogIn(from(t, fmt.Sprintf("192.0.2.%d", i)), "ada@example.jp", "x"); fault.Is(err, fault.Denied) {
				compared++
			}
		}
		if compared != 30 {
			t.Errorf("%d guesses compared, want 30", compared)
		}
	})
}

func TestAPersonMayLogInOften(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		w.active("ada@example.jp")
		for i := range 40 {
			if _, err := w.LogIn(from(t, "192.0.2.9"), "ada@example.jp", good); err != nil {
				t.Fatalf("log-in %d: %v", i, err)
			}
		}
	})
}

func TestTheLogInBeforeTheLastIsKept(t *testing.T) { // K-11
	each(t, func(t *testing.T, w world) {
		a := w.active("ada@example.jp")
		if a.PreviousLoginAt != nil {
			t.Errorf("first log-in: previous one at %v", a.PreviousLoginAt)
		}
		w.clock.Move(17 * time.Minute)
		a, err := w.LogIn(t.Context(), "ada@example.jp", good)
		if err != nil || a.PreviousLoginAt == nil || !a.PreviousLoginAt.Equal(start) || !a.LastLoginAt.Equal(start.Add(17*time.Minute)) {
			t.Errorf("second log-in: %+v %v", a, err)
		}
	})
}

func TestLogInHashesAnewWhenTheParametersChanged(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		a := w.active("ada@example.jp")
		before, _ := w.Passwords.Last(t.Context(), a.ID, 1)
		w.Hasher.Params = passwords.Params{Memory: 128, Time: 1, Threads: 1}
		for _, hashes := range []int64{2, 1} {
			was := w.hasher.Computed()
			if _, err := w.LogIn(t.Context(), "ada@example.jp", good); err != nil {
				t.Fatal(err)
			}
			if n := w.hasher.Computed() - was; n != hashes {
				t.Errorf("%d hashes, want %d", n, hashes)
			}
		}
		after, _ := w.Passwords.Last(t.Context(), a.ID, 8)
		if len(after) != 1 || string(after[0].Sealed.Box) == string(before[0].Sealed.Box) || !after[0].ChangedAt.Equal(start) {
			t.Error("want the same password, hashed anew, its date unchanged")
		}
	})
}

func TestDemoPeopleCanLogIn(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		people := readPeople(t)
		for _, want := range []int{len(people), 0} { // a second start adds nobody
			if n, err := w.Seed(t.Context(), people); err != nil || n != want {
				t.Fatalf("seeded %d (%v), want %d", n, err, want)
			}
		}
		for _, p := range people {
			a, err := w.LogIn(t.Context(), p.Email, p.Password)
			if err != nil || a.State != accounts.Active || !a.EmailVerified() {
				t.Errorf("%s: %v %v", p.Email, a.State, err)
			}
		}
	})
}

// Two nodes that start at once both find nobody there, and one of them is second.
func TestTwoNodesSeedTheSamePeople(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		people := readPeople(t)
		var both sync.WaitGroup
		both.Add(2)
		made, errs := make([]int, 2), make([]error, 2)
		var done sync.WaitGroup
		for node := range made {
			done.Go(func() {
				service, now := *w.Service, w.Clock
				service.Clock = sync.OnceValue(func() time.Time { // asked first after the person was not found
					both.Done()
					both.Wait()
					return now()
				})
				made[node], errs[node] = service.Seed(t.Context(), people)
			})
		}
		done.Wait()
		if errs[0] != nil || errs[1] != nil || made[0]+made[1] != len(people) {
			t.Fatalf("made %v, want %d together: %v", made, len(people), errs)
		}
		if n := w.count("accounts"); n != len(people) {
			t.Errorf("%d accounts, want %d", n, len(people))
		}
		if n := w.count("terms_acceptances"); n != len(people) {
			t.Errorf("%d have accepted the terms, want %d", n, len(people))
		}
	})
}

// A start that ends halfway leaves nobody whom the next one would take for complete.
func TestPeopleOfAnInterruptedStartAreCompleted(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		people := readPeople(t)[:1]
		ctx, stop := context.WithCancel(t.Context())
		service, now, asked := *w.Service, w.Clock, 0
		service.Clock = func() time.Time {
			if asked++; asked == 2 { // the account is there, the terms are next
				stop()
			}
			return now()
		}
		if n, err := service.Seed(ctx, people); err == nil || n != 0 {
			t.Fatalf("seeded %d (%v), want an interruption", n, err)
		}
		if _, err := w.Seed(t.Context(), people); err != nil {
			t.Fatal(err)
		}
		a, err := w.ByEmail(t.Context(), people[0].Email)
		if err != nil {
			t.Fatal(err)
		}
		if due, err := w.TermsDue(t.Context(), a.ID); err != nil || due {
			t.Errorf("terms due: %t (%v), want that they were accepted", due, err)
		}
	})
}

func BenchmarkLogIn(b *testing.B) {
	w := newWorld(b, dbtest.SQLite(b, schema.FS))
	w.active("ada@example.jp")
	w.Hasher.Params = passwords.DefaultParams
	if _, err := w.LogIn(b.Context(), "ada@example.jp", good); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := w.LogIn(b.Context(), "ada@example.jp", good); err != nil {
			b.Fatal(err)
		}
	}
}
