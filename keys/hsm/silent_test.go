package hsm_test

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tegata/shared/fault"
)

// A library cannot be told to stop: nobody waits for it, and it gets no more to do.
func TestADeviceThatDoesNotAnswerHoldsNobodyUp(t *testing.T) {
	f, d := newFake(t)
	k := made(t, d, "a")[0]
	asked, answer := make(chan string, 10), make(chan struct{})
	f.answers(func(what, label string) error {
		asked <- what
		<-answer
		return nil
	})
	got := make(chan error)
	for range 2 {
		go func() { got <- signs(k) }()
		<-asked
	}
	f.limit <- f.clock.Now() // the time of one is over; nobody has to wait for the other one
	for range 2 {
		if err := <-got; !fault.Is(err, fault.Busy) || fault.Of(err).RetryAfter == 0 {
			t.Errorf("%v, want busy with a time to come back", err)
		}
	}
	if line := <-f.log; !strings.Contains(line, "is away") || !strings.Contains(line, "has not answered for 5s") || !d.Away() {
		t.Errorf("the log says %s", line)
	}
	for range 3 {
		f.clock.Move(60e9)
		if err := signs(k); !fault.Is(err, fault.Busy) {
			t.Errorf("%v, want busy at once", err)
		}
		if _, err := d.Make("ES256", "b"); !fault.Is(err, fault.Busy) {
			t.Errorf("%v, want busy at once", err)
		}
	}
	if len(asked) != 0 || f.opened != 1 {
		t.Errorf("%d more calls, opened %d times, while two have no answer", len(asked), f.opened)
	}
	close(answer)
	if line := <-f.log; !strings.Contains(line, "is back") {
		t.Errorf("the log says %s", line)
	}
	if err := signs(k); err != nil || d.Away() || f.opened != 2 {
		t.Errorf("it answers again, but %v, opened %d times", err, f.opened)
	}
}

// One that answers, but too late, would be away and back for ever.
func TestADeviceThatIsSilentAgainSoonIsOpenedAfterAPause(t *testing.T) {
	f, d := newFake(t)
	k := made(t, d, "a")[0]
	for round := range 2 {
		asked, answer := make(chan string, 10), make(chan struct{})
		f.answers(func(what, _ string) error {
			if what == "sign" {
				asked <- what
				<-answer
			}
			return nil
		})
		got := make(chan error)
		go func() { got <- signs(k) }()
		<-asked
		f.limit <- f.clock.Now()
		if err := <-got; !fault.Is(err, fault.Busy) {
			t.Fatalf("%v, want busy", err)
		}
		<-f.log // away
		if round == 0 {
			close(answer)
			<-f.log // back
			continue
		}
		if err := signs(k); !fault.Is(err, fault.Busy) {
			t.Errorf("%v, want busy during the pause", err)
		}
		f.clock.Move(time.Second)
		f.answers(nil)
		f.waits(f.limit, func() { close(answer) })
		if err := signs(k); err != nil { // it opens the device, and waits until the call came back
			t.Errorf("after the pause: %v", err)
		}
	}
}

func TestAnAnswerAtTheLastMomentCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, d := newFake(t)
		for n := range 50 { // a select takes any of those that are ready
			over := make(chan time.Time, 1)
			over <- f.clock.Now()
			f.waits(over, synctest.Wait) // the answer is there, and the time is over
			if _, err := d.Make("ES256", strconv.Itoa(n)); err != nil || d.Away() {
				t.Fatalf("call %d: %v, away: %t", n, err, d.Away())
			}
		}
	})
}

func TestADeviceThatHangsWhileItIsOpenedHoldsNobodyUp(t *testing.T) {
	f, d := newFake(t)
	k := made(t, d, "a")[0]
	asked, answer := make(chan string, 10), make(chan struct{})
	f.answers(func(what, label string) error {
		if what == "sign" {
			return removed
		}
		if what == "close" {
			return nil
		}
		asked <- what
		<-answer
		return nil
	})
	got := make(chan error)
	go func() { got <- signs(k) }()
	if what := <-asked; what != "open" {
		t.Fatalf("asked to %s, want that it is opened again", what)
	}
	f.limit <- f.clock.Now()
	if err := <-got; !fault.Is(err, fault.Busy) {
		t.Errorf("%v, want busy", err)
	}
	f.clock.Move(60e9)
	if err := signs(k); !fault.Is(err, fault.Busy) || len(asked) != 0 {
		t.Errorf("%v, %d more calls, want busy at once", err, len(asked))
	}
	<-f.log // away
	f.answers(nil)
	close(answer)
	if line := <-f.log; !strings.Contains(line, "is back") {
		t.Errorf("the log says %s", line)
	}
	if err := signs(k); err != nil {
		t.Error(err)
	}
}

func TestWhoSignsWhileTheSessionIsLostSignsOrIsSentAway(t *testing.T) {
	f, d := newFake(t)
	k := made(t, d, "a")[0]
	var asked atomic.Int32
	f.answers(func(what, _ string) error {
		if what == "sign" && asked.Add(1)%10 == 0 {
			f.clock.Move(10 * time.Minute)
			return removed
		}
		return nil
	})
	f.mute.Store(true)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 300 {
				if err := signs(k); err != nil && !fault.Is(err, fault.Busy) {
					t.Errorf("%v, want a signature or busy", err)
				}
			}
		})
	}
	all.Wait()
}

// crypto11 and its pool panic at some answers of a library.
func TestAPanicIsAnErrorOfTheCall(t *testing.T) {
	f, d := newFake(t)
	all := made(t, d, "bad", "good")
	f.answers(func(what, label string) error {
		if label != "good" {
			panic("attributes of odd length")
		}
		return nil
	})
	if err := signs(all[0]); err == nil || fault.Is(err, fault.Busy) || !strings.Contains(err.Error(), "odd length") {
		t.Errorf("%v, want the key's own error", err)
	}
	if _, err := d.Make("ES256", "new"); err == nil {
		t.Error("made a key")
	}
	if err := signs(all[1]); err != nil || f.opened != 1 {
		t.Errorf("the other key: %v, opened %d times", err, f.opened)
	}
	f.answers(func(what, _ string) error {
		if f.opened == 1 {
			panic("a full pool") // with any key: a new session helps
		}
		return nil
	})
	if err := signs(all[0]); err != nil || f.opened != 2 {
		t.Errorf("%v, opened %d times", err, f.opened)
	}
}

func TestAPanicWhileItIsOpenedOrClosedLeavesTheDeviceAway(t *testing.T) {
	f, d := newFake(t)
	k := made(t, d, "a")[0]
	f.answers(func(what, _ string) error {
		if what == "sign" {
			return removed
		}
		panic(what)
	})
	for range 3 {
		if err := signs(k); !fault.Is(err, fault.Busy) || !d.Away() {
			t.Errorf("%v, want busy", err)
		}
		f.clock.Move(time.Minute)
	}
	f.answers(nil)
	if err := signs(k); err != nil {
		t.Error(err)
	}
}
