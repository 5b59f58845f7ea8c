package program_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"tegata/keys"
	keyverbs "tegata/keys/verbs"
	"tegata/shared/db/dbtest"
	"tegata/shared/program"
	"tegata/shared/program/programtest"
	"tegata/shared/verbs"
)

// memory is a device for ES256 that is there as long as the test has it.
type memory map[string]*ecdsa.PrivateKey

type inMemory struct{ *ecdsa.PrivateKey }

func (m memory) Makes(alg string) bool { return alg == "ES256" }

func (m memory) Make(_, label string) (key crypto.Signer, err error) {
	m[label], err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return m[label], err
}

func (m memory) Open(label string, _ crypto.PublicKey) keys.Probed { return inMemory{m[label]} }
func (m memory) Remove(label string, _ crypto.PublicKey) error     { delete(m, label); return nil }
func (k inMemory) Ready() error                                    { return nil }

// keysVerb runs a keys verb as the command line of a program does, with a log beside.
func keysVerb(t *testing.T, setup program.Setup, args ...string) (code int, said string) {
	t.Helper()
	var out bytes.Buffer
	k := keyverbs.Keys{
		Std: verbs.Std{In: strings.NewReader(""), Out: &out, Err: &out}, Name: "small",
		Open: func(ctx context.Context, do func(*keys.Ring) error) error {
			m, err := program.Open(ctx, setup, program.Options{Keep: true, Log: slog.New(slog.NewTextHandler(&out, nil))})
			if err != nil {
				return err
			}
			return errors.Join(do(m.Keys), m.Close())
		},
	}
	root := k.Command()
	root.SetOut(&out)
	root.SetErr(&out)
	root.SilenceErrors, root.SilenceUsage = true, true
	code = verbs.Main(root, args)
	return code, out.String()
}

func TestAKeyIsRevokedByItsVerbWhileTheDeviceIsAway(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url string) {
		one := setup(t, url)
		one.Signs = append(one.Signs, "EdDSA")
		m, err := program.Open(t.Context(), one, program.Options{Log: programtest.Log(t)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.DB.Exec(t.Context(), `delete from signing_keys`); err != nil {
			t.Fatal(err)
		}
		m.Keys.Device = memory{}
		if err := m.Keys.Ensure(t.Context(), "ES256"); err != nil {
			t.Fatal(err)
		}
		all, err := m.Keys.List(t.Context())
		if err := errors.Join(err, m.Close()); err != nil || len(all) != 2 {
			t.Fatalf("%d keys, %v", len(all), err)
		}
		active, next := all[0], all[1]
		one.Config.Keys.PKCS11.Module, one.Config.Keys.PKCS11.Token = "/nowhere.so", "tegata"
		for _, c := range []struct {
			args []string
			code int
			want string
		}{
			{[]string{"list"}, 0, active.KID},
			{[]string{"revoke", "--yes", "--", active.KID}, 0, "signs now: " + next.KID},
			{[]string{"stage", "ES256"}, 1, "the PKCS #11 device cannot be used now"},
			{[]string{"verify"}, 1, "/nowhere.so"},
			{[]string{"stage", "EdDSA"}, 0, "EdDSA"},
		} {
			code, said := keysVerb(t, one, c.args...)
			if code != c.code || !strings.Contains(said, c.want) || !strings.Contains(said, "what needs it is refused") {
				t.Errorf("%v: code %d, want %d and %q:\n%s", c.args, code, c.code, c.want, said)
			}
		}
		if _, err := program.Open(t.Context(), one, program.Options{}); err == nil {
			t.Error("a program starts without its device")
		}
	})
}
