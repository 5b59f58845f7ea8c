package program_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"tegata/shared/clock"
	"tegata/shared/config"
	"tegata/shared/db/dbtest"
	"tegata/shared/program"
	"tegata/shared/program/programtest"
)

// small is a program that has nothing but what every program has.
type small struct {
	*program.Mechanisms
	*program.Server
	work program.Work
}

func (s *small) Run(ctx context.Context) error { return s.Server.Run(ctx, s.work) }

func setup(t *testing.T, url string) program.Setup {
	t.Helper()
	c := config.Program{Development: true, PublicURL: "http://localhost", Listen: "127.0.0.1:0", Metrics: config.Metrics{Listen: "127.0.0.1:0"}}
	c.Database.URL = config.NewSecret(url)
	c.KeyEncryptionKey = config.SecretFile(t.TempDir() + "/kek")
	return program.Setup{Name: "small", Config: c, TLS: config.DefaultTLS(), Schema: dbtest.Mechanisms(t), Signs: []string{"ES256"}}
}

// open gives a small program that listens, and does not run yet.
func open(t *testing.T, setup program.Setup) *small {
	t.Helper()
	m, err := program.Open(t.Context(), setup, program.Options{
		Clock: clock.Hold(programtest.Began).Now, Log: programtest.Log(t), Listener: programtest.Listen(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Keys.Ensure(t.Context(), "ES256"); err != nil {
		t.Fatal(err)
	}
	server, err := program.NewServer(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	server.Health.Mount(mux)
	server.Handler = mux
	return &small{Mechanisms: m, Server: server, work: program.Work{Sweep: func(context.Context) {}}}
}

func ready(t *testing.T, s *small) (status int, body string) {
	t.Helper()
	answer, err := http.Get(s.URL() + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func TestAStopEndsTheJobsThenDoesTheLastThingsThenClosesTheDatabase(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url string) {
		s := open(t, setup(t, url))
		var order []string // written by one goroutine after the other
		began := make(chan bool)
		s.work.Jobs = []func(context.Context){func(ctx context.Context) {
			close(began)
			<-ctx.Done()
			order = append(order, "job ended")
		}}
		s.work.Last = func(ctx context.Context) {
			order = append(order, "last")
			if err := errors.Join(ctx.Err(), s.DB.Ping(ctx)); err != nil {
				t.Errorf("at the last moment: %v", err)
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		<-began
		if status, body := ready(t, s); status != http.StatusOK {
			t.Errorf("/readyz: %d %s", status, body)
		}
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v, want nil", err)
		}
		if want := []string{"job ended", "last"}; !slices.Equal(order, want) {
			t.Errorf("order %q, want %q", order, want)
		}
		if err := s.DB.Ping(t.Context()); err == nil {
			t.Error("the database is still open")
		}
	})
}

func TestAProgramIsNotReadyWithADatabaseOfAnotherVersion(t *testing.T) {
	one := setup(t, dbtest.URL(t, dbtest.KindSQLite))
	s := open(t, one)
	newer := one.Schema.(fstest.MapFS)
	newer["0003_newer.sql"] = &fstest.MapFile{Data: []byte("create table newer (id text primary key);")}
	programtest.Run(t, func(context.Context) (*small, error) { return s, nil })
	if status, body := ready(t, s); status != http.StatusServiceUnavailable || !strings.Contains(body, `"migrations":"failing"`) {
		t.Errorf("/readyz: %d %s, want 503 with the migrations", status, body)
	}
}

func TestASweepGoesOnAfterAMistake(t *testing.T) {
	s := open(t, setup(t, dbtest.URL(t, dbtest.KindSQLite)))
	defer s.Close()
	swept := map[string]time.Time{}
	sweep := func(name string, err error) program.Sweep {
		return func(_ context.Context, now time.Time) (int64, error) {
			swept[name] = now
			return 0, err
		}
	}
	s.Sweep(t.Context(), time.Hour, map[string]program.Sweep{
		"a": sweep("a", errors.New("no")), "b": sweep("b", errors.New("no")), "c": sweep("c", nil),
	})
	if len(swept) != 3 || !swept["c"].Equal(programtest.Began) {
		t.Errorf("swept %v, want a, b and c at the clock's time", swept)
	}
}

func TestOpenTellsWhichSettingIsWrong(t *testing.T) {
	for want, spoil := range map[string]func(*config.Program){
		"key_encryption_key": func(c *config.Program) { c.KeyEncryptionKey = config.NewSecret("short") },
		"database.url":       func(c *config.Program) { c.Database.URL = config.NewSecret("mysql:nowhere") },
		"keys.pkcs11":        func(c *config.Program) { c.Keys.PKCS11.Module = "/nowhere.so" },
	} {
		one := setup(t, dbtest.URL(t, dbtest.KindSQLite))
		spoil(&one.Config)
		if _, err := program.Open(t.Context(), one, program.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
