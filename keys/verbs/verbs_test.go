package verbs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegata/keys"
	keyverbs "tegata/keys/verbs"
	"tegata/shared/audit"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/secret"
	"tegata/shared/verbs"
)

// shell runs the verbs on one ring.
type shell struct {
	t    *testing.T
	ring *keys.Ring
}

// start gives a ring with keys for the algorithms that everybody can have by now.
func start(t *testing.T, d *db.DB, algs ...string) shell {
	t.Helper()
	seal, err := secret.NewSealer(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	held := clock.Hold(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC))
	r := &keys.Ring{DB: d, Seal: seal, Clock: held.Now, Log: slog.New(slog.DiscardHandler), Every: time.Millisecond,
		Audit: &audit.Log{DB: d, Clock: held.Now}}
	if err := r.Ensure(t.Context(), algs...); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() { defer close(over); r.Watch(ctx) }() // publishes
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		all, err := r.List(t.Context())
		if err == nil && all[len(all)-1].PublishedAt != nil {
			break
		}
		if err != nil || time.Now().After(end) {
			t.Fatal("the keys were never published: ", err)
		}
	}
	stop()
	<-over
	held.Move(time.Hour)
	return shell{t, r}
}

func (s shell) run(in string, args ...string) (code int, out, problems string) {
	s.t.Helper()
	var stdout, stderr bytes.Buffer
	k := keyverbs.Keys{
		Std: verbs.Std{In: strings.NewReader(in), Out: &stdout, Err: &stderr}, Name: "idp",
		Open: func(_ context.Context, do func(*keys.Ring) error) error { return do(s.ring) },
	}
	root := k.Command()
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	root.SilenceErrors, root.SilenceUsage = true, true
	code = verbs.Main(root, args)
	return code, stdout.String(), stderr.String()
}

// sees wants that exit code, and texts on standard output or error.
func (s shell) sees(code int, args []string, want ...string) (out string) {
	s.t.Helper()
	got, out, problems := s.run("", args...)
	if got != code {
		s.t.Errorf("%v: code %d, want %d: %s%s", args, got, code, out, problems)
	}
	for _, text := range want {
		if !strings.Contains(out+problems, text) {
			s.t.Errorf("%v: %q is missing in\n%s%s", args, text, out, problems)
		}
	}
	return out
}

// key gives the kid of the key in that state, "" without one.
func (s shell) key(alg string, state keys.State) string {
	s.t.Helper()
	all, err := s.ring.List(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, k := range all {
		if k.Alg == alg && k.State == state {
			return k.KID
		}
	}
	return ""
}

func each(t *testing.T, test func(t *testing.T, d *db.DB)) {
	dbtest.Each(t, dbtest.Mechanisms(t), test)
}

func TestAllGoesOnWhereOneHasNoNextKey(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s := start(t, d, "EdDSA", "ES256")
		s.sees(0, []string{"retire", "--", s.key("ES256", keys.Next)}, "is retired")
		was := s.key("EdDSA", keys.Active)
		tail := []string{"ES256: there is no next ES256 key; make one: keys stage ES256", "1 of 2 not promoted; make what is missing: keys stage ALG"}
		s.sees(1, []string{"rotate", "--all", "--dry-run"}, append(tail, "EdDSA: would: "+s.key("EdDSA", keys.Next)+" signs")...)
		if s.key("EdDSA", keys.Active) != was {
			t.Error("a dry run changed the key that signs")
		}
		next := s.key("EdDSA", keys.Next)
		s.sees(1, []string{"rotate", "--all"}, append(tail, "EdDSA: "+next+" signs")...)
		if s.key("EdDSA", keys.Active) != next {
			t.Error("the algorithm that could be rotated was not")
		}
		if _, err := s.ring.Find(t.Context(), next); err != nil {
			t.Fatal(err)
		}
		out := s.sees(1, []string{"promote", "--all", "--json"}, "2 of 2 not promoted; when you know better: --force; make", "keys stage ALG")
		var all []struct {
			Alg, Problem string
			Done         bool
			Evidence     *struct{ Enough bool }
		}
		if err := json.Unmarshal([]byte(out), &all); err != nil || len(all) != 2 {
			t.Fatalf("%v: %s", err, out)
		}
		for _, one := range all {
			waits := one.Alg == "EdDSA" && one.Evidence != nil && !one.Evidence.Enough && one.Problem == ""
			lacks := one.Alg == "ES256" && one.Evidence == nil && strings.Contains(one.Problem, "keys stage ES256")
			if one.Done || !waits && !lacks {
				t.Errorf("%+v, want one that waits and one without a next key", one)
			}
		}
		s.sees(1, []string{"rotate", "ES256"}, "keys: there is no next ES256 key; make one: keys stage ES256")
	})
}

func TestForceWithoutANextKeySaysWhoDoesNotHaveIt(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s := start(t, d, "ES256")
		s.ring.Readers = func(context.Context, string) ([]keys.Reader, error) {
			return []keys.Reader{{ID: "conf2", Active: true, Takes: []string{"ID tokens"}}}, nil
		}
		s.sees(0, []string{"retire", "--", s.key("ES256", keys.Next)}, "is retired")
		s.sees(0, []string{"rotate", "ES256", "--force", "--dry-run"}, "would: a fresh key signs", "ES256: forced although no running program has published it yet; conf2: ")
		s.sees(0, []string{"rotate", "ES256", "--force"}, "ES256: forced although no running program has published it yet; conf2: ")
		s.sees(0, []string{"retire", "--", s.key("ES256", keys.Next)}, "is retired")
		s.sees(0, []string{"rotate", "ES256", "--force", "--json"}, `"forced": true`, `"enough": false`, `"client": "conf2"`, `"takes": [`)
		events, err := s.ring.Audit.Tail(t.Context(), 1, "")
		if err != nil || !strings.Contains(events[0].Details["forced"], "conf2: ") {
			t.Errorf("%+v %v, want who was missing", events, err)
		}
	})
}

func TestOnlyAlgorithmsThatTheProgramSignsWithAreStaged(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s := start(t, d, "ES256")
		for _, flag := range []string{"--json=false", "--dry-run", "--json"} {
			s.sees(2, []string{"stage", "ES256", "RS256", flag}, "idp signs nothing with RS256, only with ES256")
		}
		s.sees(0, []string{"stage", "VAPID"}, "signs; browsers subscribe with")
		if s.key("RS256", keys.Next) != "" {
			t.Error("a key that nothing uses was staged")
		}
	})
}

func TestThePushKeyIsNotRetiredUnasked(t *testing.T) { // RFC 8292: browsers bind subscriptions to it
	each(t, func(t *testing.T, d *db.DB) {
		s := start(t, d, "ES256")
		s.sees(0, []string{"stage", "VAPID"}, "signs")
		kid := s.key(keys.Push, keys.Active)
		s.sees(0, []string{"retire", "--dry-run", "--", kid}, "Every push subscription ends", "would: ")
		s.sees(2, []string{"retire", "--", kid}, "Every push subscription ends", "without a terminal use --yes")
		if code, _, problems := s.run("yes\n", "retire", "--", kid); code != 1 || !strings.Contains(problems, "nothing was changed") {
			t.Errorf("code %d %q, want that nothing was changed", code, problems)
		}
		s.sees(0, []string{"stage", "VAPID"}, "is staged")
		s.sees(1, []string{"retire", "--", kid}, "signs; use: keys promote VAPID") // before anything is asked
		s.sees(0, []string{"retire", "--", s.key(keys.Push, keys.Next)}, "is retired")
		if s.key(keys.Push, keys.Active) != kid {
			t.Error("the push key was retired")
		}
		s.sees(0, []string{"retire", "--yes", "--json", "--", kid}, `"state": "retired"`)
		if s.key(keys.Push, keys.Active) != "" {
			t.Error("the push key signs on")
		}
	})
}

func TestABackupThatHasNoPlaceIsNotTold(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s := start(t, d, "ES256")
		folder := t.TempDir()
		pass, there := filepath.Join(folder, "pass"), filepath.Join(folder, "there.age")
		for _, path := range []string{pass, there} {
			if err := os.WriteFile(path, []byte("correct horse battery staple"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		exported := func() int {
			t.Helper()
			events, err := s.ring.Audit.Tail(t.Context(), 100, "")
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, e := range events {
				if e.Action == "key.exported" {
					n++
				}
			}
			return n
		}
		for _, flag := range []string{"--json=false", "--dry-run", "--json"} {
			code, out, problems := s.run("", "export", "--private", "--passphrase-file", pass, "-o", there, flag)
			if code != 1 || !strings.HasSuffix(problems, "there.age is there already, and is not overwritten; move it away or name another file\n") || strings.Contains(out+problems, "2 keys") {
				t.Errorf("%s: code %d %q %q, want no word but that the file exists", flag, code, out, problems)
			}
		}
		s.sees(2, []string{"export", "--private", "--passphrase-file", pass, "--json"}, "--json needs --output")
		if n := exported(); n != 0 {
			t.Errorf("%d exports in the audit log, want none", n)
		}
		s.sees(0, []string{"export", "--private", "--passphrase-file", pass, "-o", filepath.Join(folder, "new.age")}, "2 keys: ")
		if n := exported(); n != 1 {
			t.Errorf("%d exports in the audit log, want one", n)
		}
	})
}

// queues is a program in which one client has to be told of two log-outs.
type queues struct{ keys.Damage }

func (q queues) Count(context.Context, string, time.Time, time.Time) (keys.Damage, error) {
	return q.Damage, nil
}
func (q queues) End(context.Context, string, time.Time, time.Time) (keys.Damage, error) {
	return q.Damage, nil
}
func (q queues) EndAll(context.Context) (keys.Damage, error) { return q.Damage, nil }

func TestAReceiptDoesNotSayThatClientsWereTold(t *testing.T) {
	for _, json := range []bool{false, true} {
		s := start(t, dbtest.SQLite(t, dbtest.Mechanisms(t)), "ES256")
		s.ring.Harm = queues{keys.Damage{Sessions: 2, Clients: []keys.ClientDamage{{ID: "shop", Sessions: 2, Queued: 2}}}}
		args, want := []string{"revoke", "--yes"}, []string{"LOG-OUTS QUEUED", "what came of each: idp outbox list"}
		if json {
			args, want = append(args, "--json"), []string{`"queued": 2`}
		}
		out := s.sees(0, append(args, "--", s.key("ES256", keys.Active)), want...)
		if strings.Contains(out, "told") || strings.Contains(out, "SENT") {
			t.Errorf("they are only queued:\n%s", out)
		}
	}
}
