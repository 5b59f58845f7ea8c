package keys

import (
	"context"
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"
	jose "github.com/go-jose/go-jose/v4"

	"tegata/shared/audit"
)

// Set gives the public keys as the database has them now: what a running program
// serves. RFC 7517 §5.
func (r *Ring) Set(ctx context.Context) (jose.JSONWebKeySet, error) {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	rows, err := r.load(ctx)
	if err != nil {
		return set, err
	}
	_ = r.askOlder(ctx, rows...) // what it does not answer for is not proved
	older := r.olderKeys(rows)
	for _, k := range rows {
		if k.State != Revoked && k.Alg != Push && !over(k.Key, r.Clock()) && r.shown(k, older) {
			set.Keys = append(set.Keys, k.Public)
		}
	}
	return set, nil
}

// backup is a JWK set with private halves and what an import has to know besides.
// RFC 7517 §5 allows members of our own.
type backup struct {
	Keys       []jose.JSONWebKey `json:"keys"`
	Active     []string          `json:"active"` // the kids of those that sign; the others are next
	ExportedAt time.Time         `json:"exported_at"`
}

// ApplicationServerKey is the public half of a push key as browsers take it: the point in
// its uncompressed form, base64url. It is "" for any other key. RFC 8292 §3.2.
func (k Key) ApplicationServerKey() string {
	public, ok := k.Public.Key.(*ecdsa.PublicKey)
	if k.Alg != Push || !ok {
		return ""
	}
	point, err := public.ECDH()
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(point.Bytes())
}

func kidsOf(all []Key) (kids []string) {
	for _, k := range all {
		kids = append(kids, k.KID)
	}
	return kids
}

// namesOf tells who can read a backup: recipients by their public half, and of a passphrase
// only that there is one.
func namesOf(to []age.Recipient) (names []string) {
	for _, one := range to {
		switch one := one.(type) {
		case *age.ScryptRecipient:
			names = append(names, "passphrase")
		case fmt.Stringer:
			names = append(names, one.String())
		default:
			names = append(names, fmt.Sprintf("%T", one))
		}
	}
	return names
}

// Backup writes the active and next keys with their private halves, as a JWK set that
// is encrypted for the recipients (age, armoured); Import reads it. Keys in a device stay
// there: they are named in left. The key-encryption key is not needed to read it: keep it
// as safe as that one. A dry run writes nothing to the audit log.
func (r *Ring) Backup(ctx context.Context, w io.Writer, dry bool, to ...age.Recipient) (written, left []Key, err error) {
	if len(to) == 0 {
		return nil, nil, errors.New("keys: a backup needs somebody who can read it")
	}
	rows, err := r.load(ctx)
	if err != nil {
		return nil, nil, err
	}
	set := backup{Keys: []jose.JSONWebKey{}, Active: []string{}, ExportedAt: r.Clock()}
	for _, row := range rows {
		if row.State != Active && row.State != Next {
			continue
		}
		if row.Device != "" {
			left = append(left, row.Key)
			continue
		}
		private, err := r.open(row)
		if err != nil {
			return nil, nil, err
		}
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: private, KeyID: row.KID, Algorithm: row.Alg, Use: "sig"})
		written = append(written, row.Key)
		if row.State == Active {
			set.Active = append(set.Active, row.KID)
		}
	}
	text, err := json.MarshalIndent(set, "", "  ")
	if err != nil {
		return nil, nil, err
	}
	defer clear(text)
	outer := armor.NewWriter(w)
	inner, err := age.Encrypt(outer, to...)
	if err != nil {
		return nil, nil, fmt.Errorf("keys: %w", err)
	}
	_, err = inner.Write(text)
	if err := errors.Join(err, inner.Close(), outer.Close()); err != nil {
		return nil, nil, err
	}
	if dry {
		return written, left, nil
	}
	return written, left, r.record(ctx, "key.exported", "keys", fmt.Sprint(len(written)),
		"kids", brief(kidsOf(written), " ", audit.MaxText), "to", brief(namesOf(to), " ", audit.MaxText))
}
