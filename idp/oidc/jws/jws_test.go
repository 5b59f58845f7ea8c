package jws_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/idp/oidc/jws"
	"tegata/keys"
	"tegata/shared/clock"
	"tegata/shared/db/dbtest"
	"tegata/shared/secret"
)

// signer gives a signer with keys for the algorithms; device may be nil.
func signer(t testing.TB, device keys.Device, algs ...string) *jws.Signer {
	t.Helper()
	seal, err := secret.NewSealer([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	r := &keys.Ring{DB: dbtest.SQLite(t, dbtest.Mechanisms(t)), Seal: seal, Clock: clock.System, Log: slog.New(slog.DiscardHandler), Device: device}
	if err := r.Ensure(t.Context(), algs...); err != nil {
		t.Fatal(err)
	}
	return &jws.Signer{Keys: r}
}

// verify is what a relying party does with the text.
func verify(t *testing.T, s *jws.Signer, alg, text, payload string) (signature []byte) {
	t.Helper()
	got, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		t.Fatal(err)
	}
	key, ok := s.Keys.Public(got.Signatures[0].Header.KeyID)
	if !ok {
		t.Fatalf("kid %q is not published", got.Signatures[0].Header.KeyID)
	}
	if plain, err := got.Verify(key); err != nil || string(plain) != payload {
		t.Fatalf("%q %v, want %q signed", plain, err, payload)
	}
	return got.Signatures[0].Signature
}

func TestWhatEveryAlgorithmSignsIsVerified(t *testing.T) { // RFC 7515 §5.2
	s := signer(t, nil, keys.Algorithms...)
	for _, alg := range keys.Algorithms {
		text, err := s.Sign(t.Context(), alg, "at+jwt", []byte(`{"sub":"a"}`))
		if err != nil {
			t.Fatal(err)
		}
		verify(t, s, alg, text, `{"sub":"a"}`)
		header, _, _ := strings.Cut(text, ".")
		if plain, err := base64.RawURLEncoding.DecodeString(header); err != nil || !strings.Contains(string(plain), `"typ":"at+jwt"`) {
			t.Errorf("header %s %v, want its typ", plain, err)
		}
	}
}

func TestANonceWithoutRandomnessIsForUniqueTextsOnly(t *testing.T) { // RFC 6979 §3.2
	s := signer(t, nil, keys.Algorithms...)
	for _, alg := range keys.Algorithms {
		signed := map[string]int{}
		for i := range 6 {
			sign := s.Sign
			if i%2 == 1 {
				sign = s.SignUnique
			}
			text, err := sign(t.Context(), alg, "JWT", []byte("same"))
			if err != nil {
				t.Fatal(err)
			}
			verify(t, s, alg, text, "same")
			signed[text]++
		}
		want := map[string]int{"ES256": 4, "RS256": 1, "PS256": 6, "EdDSA": 1}[alg] // RFC 8017 §8, RFC 8032 §5.1.6
		if len(signed) != want {
			t.Errorf("%s: %d different signatures of three each, want %d", alg, len(signed), want)
		}
	}
}

// One r or s in 256 is shorter than its field; they are as long as the field all the same.
func TestShortNumbersOfAnECDSASignatureArePadded(t *testing.T) { // RFC 7518 §3.4
	s := signer(t, nil, "ES256")
	short := 0
	for i := 0; i < 4000 && short < 6; i++ {
		payload := fmt.Sprint(i)
		text, err := s.Sign(t.Context(), "ES256", "JWT", []byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		if signature := verify(t, s, "ES256", text, payload); signature[0] == 0 || signature[32] == 0 {
			short++
		}
	}
	if short == 0 {
		t.Error("no short number among 4000 signatures")
	}
}

// device keeps keys and signs with them, or answers with what one out of order says.
type device struct {
	kept map[string]held
	says []byte
}

type held struct {
	*ecdsa.PrivateKey
	in *device
}

func (d *device) Makes(string) bool { return true }

func (d *device) Make(_, label string) (crypto.Signer, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	d.kept[label] = held{private, d}
	return d.kept[label], err
}

func (d *device) Open(label string, _ crypto.PublicKey) keys.Probed { return d.kept[label] }
func (d *device) Remove(string, crypto.PublicKey) error             { return nil }

func (h held) Ready() error { return nil }

func (h held) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if h.in.says != nil {
		return h.in.says, nil
	}
	if random == nil {
		return nil, errors.New("a device that reads what it is given")
	}
	return h.PrivateKey.Sign(random, digest, opts)
}

func TestASignatureThatIsNoneIsNotGivenOut(t *testing.T) { // RFC 3279 §2.2.3
	d := &device{kept: map[string]held{}}
	s := signer(t, d, "ES256")
	sign := func() (string, error) { return s.Sign(t.Context(), "ES256", "JWT", []byte("x")) }
	for _, sign := range []func(ctx context.Context, alg, typ string, payload []byte) (string, error){s.Sign, s.SignUnique} {
		text, err := sign(t.Context(), "ES256", "JWT", []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		verify(t, s, "ES256", text, "x")
	}
	long := "\x02\x21\x01" + strings.Repeat("\x07", 32)
	for name, der := range map[string]string{
		"nothing":           "",
		"no sequence":       "\x02\x01\x01",
		"one number":        "\x30\x03\x02\x01\x01",
		"three numbers":     "\x30\x09\x02\x01\x01\x02\x01\x01\x02\x01\x01",
		"more after it":     "\x30\x06\x02\x01\x01\x02\x01\x01\x00",
		"cut":               "\x30\x06\x02\x01\x01\x02\x01",
		"a negative number": "\x30\x06\x02\x01\xff\x02\x01\x01",
		"a number too long": "\x30\x26" + long + "\x02\x01\x01",
	} {
		d.says = []byte(der)
		if text, err := sign(); err == nil {
			t.Errorf("%s: signed %s", name, text)
		}
	}
}

func TestAnUnknownAlgorithmSignsNothing(t *testing.T) {
	if text, err := signer(t, nil, "ES256").Sign(t.Context(), "none", "JWT", []byte("x")); err == nil {
		t.Errorf("signed %s", text)
	}
}

func BenchmarkSign(b *testing.B) {
	s, payload := signer(b, nil, "ES256", "EdDSA"), []byte(strings.Repeat(`"claim":"value",`, 25))
	for _, c := range []struct {
		name, alg string
		sign      func(ctx context.Context, alg, typ string, payload []byte) (string, error)
	}{{"ES256", "ES256", s.Sign}, {"ES256 unique", "ES256", s.SignUnique}, {"EdDSA", "EdDSA", s.Sign}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.sign(b.Context(), c.alg, "JWT", payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
