package hsm_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"tegata/idp/schema"
	"tegata/keys"
	"tegata/keys/hsm"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/secret"
)

// modules are where Debian puts SoftHSM2.
var modules = []string{"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so", "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so"}

// softHSM gives its library.
func softHSM(t *testing.T) (module string) {
	t.Helper()
	for _, path := range modules {
		if _, err := os.Stat(path); err == nil {
			module = path
		}
	}
	if module == "" {
		t.Skip("SoftHSM2 is not installed (.ci/prepare does): PKCS #11 is NOT tested")
	}
	return module
}

// device gives a fresh token of SoftHSM2. Its library reads the configuration once per
// process, so all tests share the folder.
func device(t *testing.T) *hsm.Device {
	t.Helper()
	return deviceWith(t, hsm.Config{})
}

// deviceWith is device with a log and a clock of the test's.
func deviceWith(t *testing.T, c hsm.Config) *hsm.Device {
	t.Helper()
	module := softHSM(t)
	label := token(t)
	out, err := exec.CommandContext(t.Context(), "softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", "12345678", "--pin", "87654321").CombinedOutput()
	if err != nil {
		t.Fatalf("softhsm2-util: %v\n%s", err, out)
	}
	c.Module, c.Token, c.PIN = module, label, "87654321"
	d, err := hsm.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// tokens is the folder that is the device of all tests.
var tokens string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "softhsm")
	if err != nil {
		panic(err)
	}
	tokens = filepath.Join(folder, "tokens")
	if err := os.Mkdir(tokens, 0o700); err != nil {
		panic(err)
	}
	conf := filepath.Join(folder, "softhsm2.conf")
	text := "directories.tokendir = " + tokens + "\nobjectstore.backend = file\nlog.level = ERROR\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		panic(err)
	}
	os.Setenv("SOFTHSM2_CONF", conf)
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

func ring(t *testing.T, d *db.DB, in *hsm.Device, now clock.Clock) *keys.Ring {
	t.Helper()
	seal, err := secret.NewSealer([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	return &keys.Ring{DB: d, Seal: seal, Clock: now, Log: slog.New(slog.DiscardHandler), Device: in}
}

func check(t *testing.T, r *keys.Ring, alg string) {
	t.Helper()
	kid, key, err := r.Signer(t.Context(), alg)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte("hello"))
	signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatalf("%s: %v", alg, err)
	}
	public, ok := r.Public(kid)
	if !ok {
		t.Fatalf("%s is not published", kid)
	}
	switch key := public.Key.(type) {
	case *ecdsa.PublicKey:
		ok = ecdsa.VerifyASN1(key, digest[:], signature)
	case *rsa.PublicKey:
		ok = rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) == nil
	}
	if !ok {
		t.Errorf("%s: the signature does not fit the published key", alg)
	}
}

func TestKeysOfTheRingLiveAndDieInTheDevice(t *testing.T) {
	in := device(t)
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		held := clock.Hold(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC))
		r := ring(t, d, in, held.Now)
		if err := r.Ensure(t.Context(), "ES256", "RS256", "EdDSA"); err != nil {
			t.Fatal(err)
		}
		all, err := r.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range all {
			if inside := k.Alg != "EdDSA"; (k.Device != "") != inside || k.SealedBy == "" {
				t.Errorf("%s: device %q, sealed by %q", k.Alg, k.Device, k.SealedBy)
			}
		}
		check(t, r, "ES256")
		check(t, r, "RS256")
		old, _, err := r.Rotate(t.Context(), "ES256")
		if err != nil {
			t.Fatal(err)
		}
		check(t, r, "ES256")
		if err := in.Open(old.Device, old.Public.Key).Ready(); err != nil {
			t.Errorf("%v: gone while other nodes may still sign with it", err)
		}
		held.Move(keys.Handover)
		look(t, r)
		if err := in.Open(old.Device, old.Public.Key).Ready(); !errors.Is(err, hsm.ErrGone) {
			t.Errorf("%v, want the private half of a retired key gone", err)
		}
		if _, ok := r.Public(old.KID); !ok {
			t.Error("the retired key is not published any more")
		}
		set, _ := r.JWKS()
		found, err := r.Verify(t.Context(), set)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			if !f.OK {
				t.Errorf("%+v", f)
			}
		}
		again := ring(t, d, in, held.Now) // the program starts anew
		if err := again.Ensure(t.Context(), "ES256", "RS256"); err != nil {
			t.Fatal(err)
		}
		check(t, again, "RS256")
		without := ring(t, d, nil, held.Now)
		without.Device = nil
		if err := without.Ensure(t.Context(), "ES256"); err == nil {
			t.Error("started without the device")
		}
	})
}

// look lets the ring do what it does while a program runs.
func look(t *testing.T, r *keys.Ring) {
	t.Helper()
	if err := r.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestAWrongPINOrTokenIsRefused(t *testing.T) {
	device(t)
	for _, c := range []hsm.Config{
		{Module: modules[0], Token: token(t), PIN: "wrong"},
		{Module: modules[0], Token: "nowhere", PIN: "87654321"},
		{Module: "/nowhere.so", Token: token(t), PIN: "87654321"},
	} {
		if d, err := hsm.Open(c); err == nil {
			d.Close()
			t.Errorf("%+v was opened", c)
		}
	}
}

// tokenOf has the label of each test's token; a test that runs twice has two.
var tokenOf = map[*testing.T]string{}

// token names the token of a test; labels are short.
func token(t *testing.T) string {
	if tokenOf[t] == "" {
		tokenOf[t] = fmt.Sprintf("%d %.20s", len(tokenOf), t.Name())
	}
	return tokenOf[t]
}
