package secret_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"tegata/shared/secret"
)

func TestWhatIsRandomDiffersAndIsLongEnough(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		for _, s := range []string{secret.Text(), secret.NewID(), string(secret.Bytes(16))} {
			if seen[s] {
				t.Fatalf("%q came twice", s)
			}
			seen[s] = true
		}
	}
	if got := secret.Text(); len(got) != 43 || strings.Trim(got, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		t.Errorf("text: got %q, want 43 URL-safe characters", got)
	}
}

// Rows are written in the order of their keys: random keys cost SQLite dearly.
func TestIDsAreOrderedByTime(t *testing.T) {
	var ids []string
	for range 10000 {
		ids = append(ids, secret.NewID())
	}
	if !slices.IsSorted(ids) {
		t.Error("ids are not in the order in which they were made")
	}
	if id := ids[0]; len(id) != 36 || id[14] != '7' {
		t.Errorf("got %q, want a UUIDv7", id)
	}
}

func TestADigestMatchesItsTokenOnly(t *testing.T) {
	token := secret.Text()
	if !secret.Match(secret.Digest(token), secret.Digest(token)) {
		t.Error("a token does not match itself")
	}
	for _, other := range [][]byte{secret.Digest(token + "x"), secret.Digest(""), nil, {}, []byte(token)} {
		if secret.Match(secret.Digest(token), other) {
			t.Errorf("matches %x", other)
		}
	}
}

func TestATokenSurvivesItsTrip(t *testing.T) {
	want := secret.NewToken()
	got, ok := secret.ParseToken(want.String())
	if !ok || got != want {
		t.Errorf("got %+v, %v, want %+v", got, ok, want)
	}
}

func TestWhatCannotBeATokenIsRefused(t *testing.T) {
	good := secret.NewToken()
	for _, s := range []string{
		"", ".", "x.y", good.ID, good.ID + ".", "." + good.Secret, good.Secret + "." + good.ID,
		good.ID + "." + good.Secret[:21], good.ID + "." + strings.Repeat("a", 200),
		"urn:uuid:" + good.ID + "." + good.Secret, "{" + good.ID + "}." + good.Secret,
		strings.ReplaceAll(good.ID, "-", "") + "." + good.Secret, " " + good.String(), good.String() + "\n",
		good.ID + "." + good.Secret + "." + good.Secret, good.ID + ".\x00\xff" + good.Secret,
		strings.ToUpper(good.ID[:9]) + "A" + good.ID[10:] + "." + good.Secret,
	} {
		if token, ok := secret.ParseToken(s); ok {
			t.Errorf("%q was taken for %+v", s, token)
		}
	}
}

func FuzzParseToken(f *testing.F) {
	f.Add(secret.NewToken().String())
	f.Add("018f0000-0000-7000-8000-000000000000." + strings.Repeat("a", 43))
	f.Add("..")
	f.Fuzz(func(t *testing.T, s string) {
		token, ok := secret.ParseToken(s)
		if !ok {
			if token != (secret.Token{}) {
				t.Errorf("refused and yet %+v", token)
			}
			return
		}
		if token.String() != s || len(token.ID) != 36 || len(token.Secret) < 22 {
			t.Errorf("%q was read as %+v", s, token)
		}
		if again, ok := secret.ParseToken(token.String()); !ok || again != token {
			t.Errorf("%q does not read as itself", s)
		}
	})
}

func newSealer(t *testing.T, first byte) *secret.Sealer {
	t.Helper()
	key := make([]byte, 32)
	key[0] = first
	s, err := secret.NewSealer(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// a sealed value opens with its key, for its purpose and its row, and no other.
func TestASealedValueOpensInItsPlaceOnly(t *testing.T) {
	s, plain := newSealer(t, 1), []byte("TOTP seed")
	sealed, err := s.Seal("totp", "row", plain)
	if err != nil || bytes.Contains(sealed, plain) {
		t.Fatal(err, sealed)
	}
	if got, err := s.Open("totp", "row", sealed); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("got %q, %v", got, err)
	}
	if again, _ := s.Seal("totp", "row", plain); bytes.Equal(again, sealed) {
		t.Error("the same value is sealed the same way twice")
	}
	changed := bytes.Clone(sealed)
	changed[len(changed)-1] ^= 1
	for what, open := range map[string]func() ([]byte, error){
		"another key":     func() ([]byte, error) { return newSealer(t, 2).Open("totp", "row", sealed) },
		"another purpose": func() ([]byte, error) { return s.Open("key", "row", sealed) },
		"another row":     func() ([]byte, error) { return s.Open("totp", "row2", sealed) },
		"a changed byte":  func() ([]byte, error) { return s.Open("totp", "row", changed) },
		"a cut value":     func() ([]byte, error) { return s.Open("totp", "row", sealed[:10]) },
		"nothing":         func() ([]byte, error) { return s.Open("totp", "row", nil) },
	} {
		if got, err := open(); err != secret.ErrSeal {
			t.Errorf("%s: got %q, %v, want ErrSeal", what, got, err)
		}
	}
}

func TestAMACDependsOnKeyPurposeRowAndValue(t *testing.T) {
	s := newSealer(t, 1)
	mac := s.MAC("once", "row", "123456")
	if len(mac) != 32 || !bytes.Equal(mac, s.MAC("once", "row", "123456")) {
		t.Errorf("got %x", mac)
	}
	for what, other := range map[string][]byte{
		"key": newSealer(t, 2).MAC("once", "row", "123456"), "purpose": s.MAC("twice", "row", "123456"),
		"row": s.MAC("once", "row2", "123456"), "value": s.MAC("once", "row", "123457"),
	} {
		if bytes.Equal(mac, other) {
			t.Errorf("another %s gives the same", what)
		}
	}
}

func TestAKeyEncryptionKeyHas32Bytes(t *testing.T) {
	for _, n := range []int{0, 16, 31, 33} {
		if _, err := secret.NewSealer(make([]byte, n)); err == nil {
			t.Errorf("%d bytes were taken", n)
		}
	}
	if one, two := newSealer(t, 1).ID(), newSealer(t, 2).ID(); one == two || len(one) != 16 {
		t.Errorf("ids %q and %q", one, two)
	}
}

func TestWhileAKeyChangesBothOpenAndOneSeals(t *testing.T) {
	first, second := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	s, err := secret.NewSealer(first)
	if err != nil {
		t.Fatal(err)
	}
	old, err := s.Seal("p", "r", []byte("hello"))
	if err != nil {
		t.Fatal(err)
	}
	mac, before := s.MAC("p", "r", "123456"), s.ID()
	id, err := s.Learn(second)
	if err != nil || s.ID() != before || len(s.Holds()) != 2 {
		t.Fatalf("%v: seals by %s, holds %v", err, s.ID(), s.Holds())
	}
	if again, err := s.Learn(second); err != nil || again != id || len(s.Holds()) != 2 {
		t.Errorf("learnt twice: %v %v", s.Holds(), err)
	}
	if err := s.Use(id); err != nil || s.ID() != id {
		t.Fatal(err)
	}
	fresh, err := s.Seal("p", "r", []byte("hello"))
	if err != nil || secret.SealedBy(fresh) != id || secret.SealedBy(old) != before {
		t.Errorf("sealed by %s and %s, want %s and %s", secret.SealedBy(old), secret.SealedBy(fresh), before, id)
	}
	for _, box := range [][]byte{old, fresh} {
		if plain, err := s.Open("p", "r", box); err != nil || string(plain) != "hello" {
			t.Errorf("%q %v, want hello", plain, err)
		}
		if _, err := s.Open("p", "other", box); !errors.Is(err, secret.ErrSeal) {
			t.Errorf("another row: %v", err)
		}
	}
	if !s.MatchMAC("p", "r", "123456", mac) || s.MatchMAC("p", "r", "123457", mac) {
		t.Error("a code from before the change is not accepted, or a wrong one is")
	}
	alone, _ := secret.NewSealer(second)
	if _, err := alone.Open("p", "r", old); !errors.Is(err, secret.ErrSeal) {
		t.Errorf("the new key alone opens the old value: %v", err)
	}
	if alone.MatchMAC("p", "r", "123456", mac) {
		t.Error("the new key alone accepts the old code")
	}
	if err := alone.Use(before); err == nil {
		t.Error("seals with a key that is not at hand")
	}
	mixed := append(append([]byte{}, fresh[:8]...), old[8:]...) // the name of another key
	if _, err := s.Open("p", "r", mixed); !errors.Is(err, secret.ErrSeal) {
		t.Errorf("a value under another name: %v", err)
	}
}
