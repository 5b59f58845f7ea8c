package serve

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"
)

// accepted gives both ends of a connection: ours, and the caller's.
func accepted(t *testing.T) (l *deadlines, ours, theirs net.Conn) {
	t.Helper()
	on, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l = &deadlines{Listener: on}
	if theirs, err = net.Dial("tcp", on.Addr().String()); err == nil {
		ours, err = l.Accept()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { on.Close(); ours.Close(); theirs.Close() })
	return l, ours, theirs
}

// readOne reads one byte beside the test.
func readOne(c net.Conn) chan error {
	done := make(chan error, 1)
	go func() {
		_, err := io.ReadFull(c, make([]byte, 1))
		done <- err
	}()
	return done
}

func late(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

func TestADistantDeadlineComesWithTheNextLook(t *testing.T) {
	for name, set := range map[string]func(net.Conn, time.Time) error{"read": net.Conn.SetReadDeadline, "both": net.Conn.SetDeadline} {
		t.Run(name, func(t *testing.T) {
			l, ours, theirs := accepted(t)
			now := time.Now()
			if err := set(ours, now.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			l.look(now.Add(59 * time.Minute))
			first := readOne(ours)
			theirs.Write([]byte("a"))
			if err := <-first; err != nil {
				t.Fatalf("a minute before: %v, want the byte", err)
			}
			second := readOne(ours)
			l.look(now.Add(time.Hour))
			if err := <-second; !late(err) {
				t.Errorf("at the deadline: %v, want a timeout", err)
			}
		})
	}
}

func TestANearOrPastDeadlineNeedsNoLook(t *testing.T) {
	for name, from := range map[string]time.Duration{"near": 20 * time.Millisecond, "past": -time.Hour, "net/http's": -time.Since(time.Unix(1, 0))} {
		t.Run(name, func(t *testing.T) {
			_, ours, _ := accepted(t)
			ours.SetReadDeadline(time.Now().Add(time.Hour))
			if err := ours.SetReadDeadline(time.Now().Add(from)); err != nil {
				t.Fatal(err)
			}
			if err := <-readOne(ours); !late(err) {
				t.Errorf("%v, want a timeout", err)
			}
		})
	}
}

func TestALaterDeadlineFreesTheConnection(t *testing.T) {
	now := time.Now()
	for name, to := range map[string]time.Time{"none": {}, "distant": now.Add(3 * time.Hour)} {
		for how, end := range map[string]func(*deadlines, net.Conn){
			"looked":  func(l *deadlines, c net.Conn) { c.SetReadDeadline(now.Add(time.Hour)); l.look(now.Add(time.Hour)) },
			"at once": func(_ *deadlines, c net.Conn) { c.SetReadDeadline(now.Add(-time.Hour)) },
		} {
			t.Run(how+", then "+name, func(t *testing.T) {
				l, ours, theirs := accepted(t)
				end(l, ours)
				if err := <-readOne(ours); !late(err) {
					t.Fatalf("%v, want a timeout", err)
				}
				ours.SetReadDeadline(to)
				l.look(now.Add(2 * time.Hour))
				again := readOne(ours)
				theirs.Write([]byte("a"))
				if err := <-again; err != nil {
					t.Errorf("after the deadline moved: %v, want the byte", err)
				}
			})
		}
	}
}

func TestAWriterThatNobodyReadsIsLetGo(t *testing.T) {
	l, ours, _ := accepted(t)
	now := time.Now()
	ours.SetWriteDeadline(now.Add(time.Hour))
	done := make(chan error, 1)
	go func() {
		for {
			if _, err := ours.Write(make([]byte, 1<<20)); err != nil {
				done <- err
				return
			}
		}
	}()
	l.look(now.Add(time.Hour))
	if err := <-done; !late(err) {
		t.Errorf("%v, want a timeout", err)
	}
}

// TestALookNeverEndsWhatWasMovedInTime: whoever moved the deadline last is obeyed, even
// if a look was under way.
func TestALookNeverEndsWhatWasMovedInTime(t *testing.T) {
	l, ours, theirs := accepted(t)
	now := time.Now()
	for range 2000 {
		ours.SetReadDeadline(now.Add(time.Hour))
		var both sync.WaitGroup
		both.Go(func() { l.look(now.Add(time.Hour)) })
		both.Go(func() { ours.SetReadDeadline(time.Time{}) })
		both.Wait()
		theirs.Write([]byte("a"))
		if err := <-readOne(ours); err != nil {
			t.Fatalf("%v, want the byte", err)
		}
	}
}

func TestNothingIsLookedAtWhenNobodyIsThere(t *testing.T) {
	l, ours, _ := accepted(t)
	if l.timer.Stop() {
		l.timer.Reset(rounding)
	} else {
		t.Error("nobody looks while a connection is open")
	}
	ours.Close()
	ours.Close() // net/http does it twice
	if l.timer.Stop() || len(l.open) != 0 {
		t.Error("somebody looks at no connections")
	}
}

// TestSlowCallersAreLetGo: whoever sends half a request, keeps quiet after one or does
// not fetch the answer loses the connection. A-153
func TestSlowCallersAreLetGo(t *testing.T) {
	for name, c := range map[string]struct {
		sends string
		after time.Duration
	}{
		"half a header": {"GET / HTTP/1.1\r\nHost: a\r\n", headerTimeout},
		"half a body":   {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf", bodyTimeout},
		"no fetching":   {"GET /long HTTP/1.1\r\nHost: a\r\n\r\n", answerTimeout},
		"idle":          {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", idleTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			l, theirs, ended := slowly(t)
			began := time.Now()
			if _, err := io.WriteString(theirs, c.sends); err != nil {
				t.Fatal(err)
			}
			waiting(t, l, began, c.after)
			l.look(began.Add(c.after - 2*time.Second))
			select {
			case <-ended:
				t.Fatalf("let go more than a second before %v", c.after)
			default:
			}
			l.look(time.Now().Add(c.after + 2*time.Second))
			<-ended
		})
	}
}

// slowly serves one caller; ended is closed with the connection.
func slowly(t *testing.T) (l *deadlines, theirs net.Conn, ended chan struct{}) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	mux.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) {
		for err := error(nil); err == nil; {
			_, err = w.Write(make([]byte, 1<<20))
		}
	})
	s := &Server{Handler: mux, Log: slog.New(slog.DiscardHandler)}
	web := s.http()
	ended = make(chan struct{})
	web.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			close(ended)
		}
	}
	on, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l = &deadlines{Listener: on}
	go web.Serve(l)
	if theirs, err = net.Dial("tcp", on.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { theirs.Close(); web.Shutdown(context.Background()) })
	return l, theirs, ended
}

// waiting returns when the connection has a deadline that long after some moment from
// began to now, give or take a second.
func waiting(t *testing.T, l *deadlines, began time.Time, after time.Duration) {
	t.Helper()
	from := began.Add(after - time.Second)
	within := func(d deadline) bool {
		return d.at > from.Sub(l.began) && d.at < time.Now().Add(after+time.Second).Sub(l.began)
	}
	for patience := time.Now().Add(30 * time.Second); time.Now().Before(patience); time.Sleep(time.Millisecond) {
		l.mu.Lock()
		for c := range l.open {
			c.mu.Lock()
			found := within(c.read) || within(c.write)
			c.mu.Unlock()
			if found {
				l.mu.Unlock()
				return
			}
		}
		l.mu.Unlock()
	}
	t.Fatal("nobody waits with such a deadline")
}
