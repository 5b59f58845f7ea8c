package keys

import (
	"bytes"
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"
	jose "github.com/go-jose/go-jose/v4"
)

// maxBackup bounds what is read of a backup, in bytes; a ring has a few keys.
const maxBackup = 1 << 20

// Imported is what came of one key of a backup.
type Imported struct {
	Key     Key    // its state is the one that it has, or would have, in the ring
	Taken   bool   // it is new in the ring
	Refused string // why it may not come in; "" when it did or was there already
}

// Import takes the keys of a backup into the ring, sealed by the key-encryption key at
// hand: for a database that was lost without a backup of its own, or when a key was
// deleted by mistake. A key that was active is active again only where nothing signs with
// its algorithm; otherwise it becomes next, when there is none. A key that has retired or
// was revoked here never comes back, whatever the backup says. It gives what came of each
// key and when the backup was made.
func (r *Ring) Import(ctx context.Context, from io.Reader, dry bool, by ...age.Identity) (all []Imported, at time.Time, err error) {
	set, err := readBackup(from, by)
	if err != nil {
		return nil, at, err
	}
	fresh := map[string]freshKey{}
	for _, k := range set.Keys {
		if fresh[k.KeyID], err = r.sealImported(k); err != nil {
			return nil, at, err
		}
	}
	if dry {
		all, err = r.place(ctx, set, fresh)
		return all, set.ExportedAt, err
	}
	err = r.change(ctx, func(ctx context.Context, generation int64, now time.Time) error {
		if all, err = r.place(ctx, set, fresh); err != nil {
			return err
		}
		for _, one := range all {
			if !one.Taken {
				continue
			}
			if err := r.insert(ctx, fresh[one.Key.KID], one.Key.State, generation, now); err != nil {
				return err
			}
			if err := r.record(ctx, "key.imported", "alg", one.Key.Alg, "kid", one.Key.KID, "state", string(one.Key.State)); err != nil {
				return err
			}
		}
		r.step("imported")
		return nil
	})
	return all, set.ExportedAt, err
}

// readBackup decrypts a backup, armoured or not.
func readBackup(from io.Reader, by []age.Identity) (set backup, err error) {
	if len(by) == 0 {
		return set, errors.New("keys: a backup needs an identity or a passphrase to be read")
	}
	text, err := io.ReadAll(io.LimitReader(from, maxBackup+1))
	if err != nil {
		return set, err
	}
	if len(text) > maxBackup {
		return set, errors.New("keys: that is too long for a backup of keys")
	}
	plain, err := decrypt(text, by)
	var other *age.NoIdentityMatchError
	switch {
	case !bytes.HasPrefix(bytes.TrimSpace(text), []byte(armor.Header)) && !bytes.HasPrefix(text, []byte("age-encryption.org/")):
		return set, errors.New("that is no backup of keys: it is not encrypted with age, as keys export --private does")
	case errors.As(err, &other):
		return set, errors.New("the backup does not open: it was encrypted for another identity or passphrase than the one that was given")
	case err != nil:
		return set, fmt.Errorf("the backup cannot be read, it is damaged or not whole: %w", err)
	}
	defer clear(plain)
	if err := json.Unmarshal(plain, &set); err != nil {
		return set, errors.New("keys: the backup holds no set of keys")
	}
	return set, nil
}

// sealImported checks a private key of a backup and seals it for this ring.
func (r *Ring) sealImported(k jose.JSONWebKey) (f freshKey, err error) {
	wrong := func(why string) (freshKey, error) {
		return f, fmt.Errorf("keys: key %q of the backup %s", k.KeyID, why)
	}
	private, ok := k.Key.(crypto.Signer)
	if !ok || !k.Valid() || k.IsPublic() {
		return wrong("has no private half")
	}
	f.alg = k.Algorithm
	if !slices.Contains(Algorithms, f.alg) && f.alg != Push {
		return wrong("is for an algorithm that is not one of ours")
	}
	f.public = jose.JSONWebKey{Key: private.Public(), Algorithm: signs(f.alg), Use: "sig"}
	if f.public.KeyID, err = thumbprint(f.public); err != nil || f.public.KeyID != k.KeyID {
		return wrong("is not the one that its kid names")
	}
	if !suits(f.alg, f.public) {
		return wrong("is no key for " + f.alg)
	}
	if f.sealed, err = r.sealPrivate(k.KeyID, private); err != nil {
		return wrong("cannot be kept")
	}
	return f, nil
}

// place decides for each key of the backup what it will be in the ring as it is now.
func (r *Ring) place(ctx context.Context, set backup, fresh map[string]freshKey) ([]Imported, error) {
	rows, err := r.load(ctx)
	if err != nil {
		return nil, err
	}
	ended, err := r.ended(ctx)
	if err != nil {
		return nil, err
	}
	ring := make([]Key, len(rows))
	for i, row := range rows {
		ring[i] = row.Key
	}
	all := []Imported{}
	for _, active := range []bool{true, false} { // those that signed first
		for _, k := range set.Keys {
			if slices.Contains(set.Active, k.KeyID) != active {
				continue
			}
			one := placeOne(ring, ended, fresh[k.KeyID], active)
			if all = append(all, one); one.Taken {
				ring = append(ring, one.Key)
			}
		}
	}
	return all, nil
}

// placeOne is the rule.
func placeOne(ring []Key, ended map[string]ending, f freshKey, active bool) Imported {
	k := Key{KID: f.public.KeyID, Alg: f.alg, Public: f.public, State: Next, SealedBy: sealedBy(f.sealed)}
	at := slices.IndexFunc(ring, func(other Key) bool { return other.KID == k.KID })
	if over, ok := ended[k.KID]; ok {
		k.State = Retired
		if at >= 0 {
			k = ring[at]
		}
		return Imported{Key: k, Refused: "has ended here at " + over.at.UTC().Format(time.RFC3339) + " and must not sign again"}
	}
	if at >= 0 {
		return Imported{Key: ring[at]}
	}
	_, signs := find(ring, k.Alg, Active)
	_, waits := find(ring, k.Alg, Next)
	switch {
	case !signs && active:
		k.State = Active
	case waits:
		return Imported{Key: k, Refused: "has no place: " + k.Alg + " has a next key already; to take this one, withdraw that one: keys retire"}
	}
	return Imported{Key: k, Taken: true}
}

// decrypt gives what is in an age file.
func decrypt(text []byte, by []age.Identity) ([]byte, error) {
	var from io.Reader = bytes.NewReader(text)
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte(armor.Header)) {
		from = armor.NewReader(from)
	}
	plain, err := age.Decrypt(from, by...)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(plain, maxBackup))
}
