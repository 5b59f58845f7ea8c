package keys

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"filippo.io/age/armor"
	jose "github.com/go-jose/go-jose/v4"
)

// Set gives the public keys as the database has them now: what a running program
// serves. RFC 7517 §5.
func (r *Ring) Set(ctx context.Context) (jose.JSONWebKeySet, error) {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	all, err := r.List(ctx)
	if err != nil {
		return set, err
	}
	for _, k := range all {
		if k.State != Revoked && k.Alg != Push && !over(k, r.Clock()) {
			set.Keys = append(set.Keys, k.Public)
		}
	}
	return set, nil
}

// Backup writes the active and next keys with their private halves, as a JWK set that
// is encrypted for the recipients (age, armoured). Keys in a device stay there: they are
// named in left. The key-encryption key is not needed to read it: keep it as safe as
// that one. A dry run writes nothing to the audit log.
func (r *Ring) Backup(ctx context.Context, w io.Writer, dry bool, to ...age.Recipient) (written, left []Key, err error) {
	if len(to) == 0 {
		return nil, nil, errors.New("keys: a backup needs somebody who can read it")
	}
	rows, err := r.load(ctx)
	if err != nil {
		return nil, nil, err
	}
	set := jose.JSONWebKeySet{}
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
	return written, left, r.record(ctx, "key.exported", "keys", fmt.Sprint(len(written)))
}
