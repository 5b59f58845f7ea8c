package keys_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tegata/keys"
	"tegata/shared/audit"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/secret"
)

// TestMain is also the process that is killed half way through a change.
func TestMain(m *testing.M) {
	if work := os.Getenv("KEYS_WORK"); work != "" {
		if err := child(work); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// columns are a table of a program with sealed values.
var columns = []secret.Column{{Name: "notes", Table: "notes", Row: "id", Box: "box", By: "sealed_by", Purpose: "note"}}

// ringUnderNewKey opens the ring of a database under a new key-encryption key, and names its file.
func ringUnderNewKey(t *testing.T, d *db.DB) (r *keys.Ring, kekFile string) {
	t.Helper()
	kekFile = filepath.Join(t.TempDir(), "kek")
	if _, err := secret.ReadOrCreateKeyFile(kekFile); err != nil {
		t.Fatal(err)
	}
	r, err := openRing(t.Context(), d, kekFile)
	if err != nil {
		t.Fatal(err)
	}
	return r, kekFile
}

// openRing opens the ring of a database as a program does that starts there.
func openRing(ctx context.Context, d *db.DB, kekFile string) (*keys.Ring, error) {
	key, err := secret.ReadKeyFile(kekFile)
	if err != nil {
		return nil, err
	}
	seal, err := secret.NewSealer(key)
	if err != nil {
		return nil, err
	}
	r := &keys.Ring{
		DB: d, Seal: seal, Clock: clock.System, Log: slog.New(slog.DiscardHandler),
		Audit: &audit.Log{DB: d, Clock: clock.System}, KeyFile: kekFile, Columns: columns, Harm: &harm{}, Needs: []string{"ES256"},
	}
	return r, errors.Join(r.Unlock(ctx), r.Ensure(ctx, "ES256"))
}

// openRestored is openRing for a database that nobody may use before keys recover.
func openRestored(ctx context.Context, d *db.DB, kekFile string) (*keys.Ring, error) {
	r, err := openRing(ctx, d, kekFile)
	var restored *keys.Restored
	if errors.As(err, &restored) {
		err = nil
	}
	return r, err
}

func child(work string) error {
	ctx := context.Background()
	d, err := db.Open(ctx, os.Getenv("KEYS_URL"))
	if err != nil {
		return err
	}
	open := openRing
	if work == "recover" {
		open = openRestored
	}
	r, err := open(ctx, d, os.Getenv("KEYS_KEK"))
	if err != nil {
		return err
	}
	at := os.Getenv("KEYS_STEP")
	r.Step = func(name string) {
		if name == at {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // the signal is on its way
		}
	}
	if work == "churn" {
		fmt.Println("begun")
		return churn(ctx, r)
	}
	return works[work](ctx, r)
}

// kill runs a change in a process of its own that dies at the step.
func kill(t *testing.T, work, step, url, kekFile string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "KEYS_WORK="+work, "KEYS_STEP="+step, "KEYS_URL="+url, "KEYS_KEK="+kekFile)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("%s at %s: %v\n%s, want it killed", work, step, err, out)
	}
}

func TestAKilledChangeLeavesOneActiveKeyAndCanBeRepeated(t *testing.T) { // F-03
	dbtest.EachURL(t, func(t *testing.T, url string) {
		for _, c := range []struct {
			work  string
			steps string
		}{
			{"rotate", "generated begun retired activated staged done committed"},
			{"stage", "generated begun done committed"},
			{"revoke", "generated begun retired activated staged done committed revoked"},
			{"revoke all", "generated begun done committed revoked"},
			{"promote", "begun retired activated staged done committed"},
			{"retire next", "begun done committed"},
			{"end an algorithm", "begun done committed"},
			{"purge", "begun done committed"},
			{"import", "begun imported done committed"},
			{"recover", "ended generated begun done committed"},
			{"rewrap", "begun done committed switched batch"},
			{"schedule", "begun planned done committed"},
			{"keep the schedule", "begun retired activated staged done committed"},
		} {
			for step := range strings.FieldsSeq(c.steps) {
				t.Run(c.work+" at "+step, func(t *testing.T) { killAndRepeat(t, c.work, step, url) })
			}
		}
	})
}

func killAndRepeat(t *testing.T, work, step, url string) {
	d := dbtest.Open(t, url, mechanisms(t))
	clearRing(t, d)
	before, kekFile := ringUnderNewKey(t, d)
	notes(t, d, before.Seal, 500)
	if prepare := preparations[work]; prepare != nil {
		if err := prepare(t.Context(), before); err != nil {
			t.Fatal(err)
		}
	}

	kill(t, work, step, url, kekFile)

	open := openRing
	if work == "recover" {
		open = openRestored
	}
	after, err := open(t.Context(), d, kekFile)
	if err != nil {
		t.Fatal(err)
	}
	if got := states(t, after, "ES256"); got[keys.Active] != 1 {
		t.Fatalf("%v, want one active key", got)
	}
	checkSignature(t, after, "ES256")
	if work != "recover" {
		findings(t, after, "")
	}
	noneIsBack(t, after)
	readNotes(t, d, after.Seal, 500)

	if err := works[work](t.Context(), after); err != nil {
		t.Fatalf("repeated: %v", err)
	}
	if got := states(t, after, "ES256"); got[keys.Active] != 1 {
		t.Fatalf("repeated: %v, want one active key", got)
	}
	checkSignature(t, after, "ES256")
	findings(t, after, "")
	noneIsBack(t, after)
	readNotes(t, d, after.Seal, 500)
	if work == "rewrap" { // the new key alone suffices
		alone, err := openRing(t.Context(), d, before.NextKeyFile())
		if err != nil {
			t.Fatal(err)
		}
		readNotes(t, d, alone.Seal, 500)
		findings(t, alone, "")
	}
}

// clearRing begins afresh in the same database.
func clearRing(t *testing.T, d *db.DB) {
	t.Helper()
	for _, text := range []string{
		`delete from signing_keys`, `delete from ended_keys`, `delete from key_nodes`, `delete from audit_events`,
		`update key_ring set generation = 0, beat_at = 0, kek = '', rotate_every = 0, stage_before = 0, patience = 0, lease_until = 0`,
		`create table if not exists notes (id text primary key, box bytea not null, sealed_by text not null)`, `delete from notes`,
	} {
		if _, err := d.Exec(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
}

func notes(t *testing.T, d *db.DB, seal *secret.Sealer, n int) {
	t.Helper()
	err := d.Tx(t.Context(), func(ctx context.Context) error {
		for i := range n {
			id := fmt.Sprintf("n%04d", i)
			box, err := seal.Seal("note", id, []byte(id))
			if err != nil {
				return err
			}
			if _, err := d.Exec(ctx, `insert into notes (id, box, sealed_by) values ($1, $2, $3)`, id, box, secret.SealedBy(box)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func readNotes(t *testing.T, d *db.DB, seal *secret.Sealer, n int) {
	t.Helper()
	all, err := db.Collect(t.Context(), d, `select id, box, sealed_by from notes`, nil, func(scan db.Scan) (string, error) {
		var id, by string
		var box []byte
		if err := scan(&id, &box, &by); err != nil {
			return "", err
		}
		if by != secret.SealedBy(box) {
			return "", fmt.Errorf("%s says it is sealed by %s, it is by %s", id, by, secret.SealedBy(box))
		}
		plain, err := seal.Open("note", id, box)
		return string(plain), err
	})
	if err != nil || len(all) != n {
		t.Fatalf("%d notes %v, want %d", len(all), err, n)
	}
}
