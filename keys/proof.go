package keys

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"tegata/shared/fault"
)

// Whoever can write to the database must not be able to have a key of theirs published:
// relying parties would take what it signs for ours. So each row is proved before its key
// is: a key that lives by its sealed private half or, in a device, by a sealed statement;
// one that has ended by a statement that takes the place of the private half. Both are
// bound to the kid, which is the thumbprint of the public half, and cannot be made without
// the key-encryption key. A label in the device needs no proof: only the key with that public
// half is used under it (Device.Open). What older versions left without one, adoptOlder seals once.

// statement says what must not be changed of a key whose private half is not here. It is
// sealed as private halves are, so a change of the key-encryption key takes it along.
type statement struct {
	Alg   string `json:"alg"`
	State State  `json:"state,omitempty"` // Retired or Revoked; "" while it lives in the device
}

// sealStatement gives the statement about the key with that kid.
func (r *Ring) sealStatement(kid, alg string, state State) ([]byte, error) {
	text, err := json.Marshal(statement{alg, state})
	if err != nil {
		return nil, err
	}
	return r.Seal.Seal(purpose, kid, text)
}

// sealMark stands behind private halves since there are statements. PKCS #8 parsers, those of
// older versions too, do not read what follows. A ring in which all keys have it was taken
// over, and no row without a statement is believed any more.
var sealMark = []byte("\x00proved")

// sealPrivate seals a private half for the kid, which is its thumbprint.
func (r *Ring) sealPrivate(kid string, private crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	der = append(der, sealMark...)
	defer clear(der)
	return r.Seal.Seal(purpose, kid, der)
}

// errUnsealed says that a row has nothing that proves it: an older version wrote it, or
// somebody who has no key-encryption key.
var errUnsealed = errors.New("nothing sealed proves the key")

// errNotOurs says that a row does not fit what proves it.
var errNotOurs = errors.New("the row was changed by somebody without the key-encryption key")

// prove tells why a row is not to be believed, nil when it is; fault.Busy when only the device
// knows, and it has not been asked or is away. marked is false for what an older version wrote.
func (r *Ring) prove(k row) (marked bool, err error) {
	if thumb, err := thumbprint(k.Public); err != nil || thumb != k.KID || k.Public.KeyID != k.KID || !suits(k.Alg, k.Public) {
		return false, errNotOurs
	}
	lives := k.State == Active || k.State == Next
	switch {
	case lives && k.Device == "":
		return r.proveSealed(k)
	case lives && len(k.sealed) == 0:
		return false, r.proveInDevice(k)
	case len(k.sealed) == 0:
		return false, errUnsealed
	}
	text, err := r.Seal.Open(purpose, k.KID, k.sealed)
	if err != nil {
		return false, err
	}
	defer clear(text)
	var says statement
	want := statement{k.Alg, k.State}
	if lives {
		want.State = ""
	}
	if err := json.Unmarshal(text, &says); err != nil || says != want {
		return false, errNotOurs
	}
	return true, nil
}

func (r *Ring) proveSealed(k row) (marked bool, err error) {
	private, marked, err := r.openSealed(k)
	if err != nil {
		return false, err
	}
	if !belongs(private, k.Public.Key) {
		return false, errNotOurs
	}
	return marked, nil
}

// proveInDevice believes a row that has nothing sealed when the device has answered for the
// key. It does not ask: rows are proved wherever the ring is read, and the device may hang.
func (r *Ring) proveInDevice(k row) error {
	if _, err := r.inDevice(k.Key); err != nil {
		return err
	}
	if !r.answered(k.KID, k.Public.Key) {
		return fault.Wrap(fault.Busy, "keys.device_away", errors.New("nothing is sealed, and the device has not answered for the key yet"))
	}
	return nil
}

// askOlder asks the device for the keys that only it can prove, so that prove knows. A
// running program asks for them in its chores (probeAll).
func (r *Ring) askOlder(ctx context.Context, rows ...row) error {
	var failed error
	for _, k := range rows {
		if k.Device == "" || len(k.sealed) > 0 || k.State != Active && k.State != Next {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, lookTimeout)
		failed = errors.Join(failed, r.usable(ctx, k.Key))
		cancel()
	}
	return failed
}

// belongs tells whether the private half is that of the public half.
func belongs(private crypto.Signer, public crypto.PublicKey) bool {
	own, ok := private.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && own.Equal(public)
}

// proved tells why a row is not to be believed, and fills in what the snapshot knows of it.
// Each row is proved whenever it is read, which is when something changed: that it was
// proved before says nothing of what stands there now. The last snapshot counts where there
// is nothing to look at: for a key that an older version, running beside this one, retires
// without a statement, and for one in a device that is away.
func (r *Ring) proved(s *snapshot, k row) error {
	last := r.now.Load()
	if last == nil {
		last = &snapshot{}
	}
	before, knew := last.proved[k.KID]
	lives := k.State == Active || k.State == Next
	marked, err := r.prove(k)
	switch {
	case errors.Is(err, errUnsealed):
		if knew = knew || last.unsealed[k.KID]; knew && k.State != Revoked {
			err = nil
		}
		s.unsealed[k.KID] = knew
	case knew && lives && fault.Is(err, fault.Busy):
		marked, err = before, nil
	}
	if err != nil {
		return err
	}
	if k.State != Revoked { // it can only come back by a change of the row
		s.proved[k.KID] = marked
	}
	s.older = s.older || lives && !marked
	return nil
}

// believed tells why the next key of that kid must not sign, nil when it may: what proves
// it, and whether the device can use it. It is fault.Busy only for a key that is proved, and
// whose device is away. rows are those of the ring.
func (r *Ring) believed(ctx context.Context, rows []row, kid string) error {
	at := slices.IndexFunc(rows, func(k row) bool { return k.KID == kid })
	if at < 0 {
		return nil
	}
	err := r.askOlder(ctx, rows[at])
	if err == nil {
		_, err = r.prove(rows[at])
	}
	if err != nil {
		return fmt.Errorf("the next key %s must not sign: %v; see: keys verify", kid, err) // %v: whatever it is, no fault.Busy
	}
	if err := r.usable(ctx, rows[at].Key); err != nil {
		return fmt.Errorf("the next key %s cannot sign: %w; see: keys verify", kid, err)
	}
	return nil
}

// doubt is a key that is left out of the set, and why.
type doubt struct {
	row
	cause error
}

// tellDoubts tells the log. A device that is away may prove the key later, and what an older
// version left is about to be adopted.
func (r *Ring) tellDoubts(s *snapshot, all []doubt) {
	for _, d := range all {
		switch {
		case fault.Is(d.cause, fault.Busy):
			s.lacking = true
		case s.older && errors.Is(d.cause, errUnsealed) || r.Log == nil:
		default:
			r.Log.Error("a key of the database is not published, since nothing proves that it is ours; see: keys verify",
				"kid", d.KID, "as", string(d.State), "cause", d.cause)
		}
	}
}

// olderKeys tells whether the ring has keys that an older version made.
func (r *Ring) olderKeys(rows []row) bool {
	for _, k := range rows {
		if k.State != Active && k.State != Next {
			continue
		}
		if marked, err := r.prove(k); err == nil && !marked {
			return true
		}
	}
	return false
}

// shown tells whether a key may be published as far as what proves it goes. Before a program
// of this version started, keys that ended under an older one still are.
func (r *Ring) shown(k row, older bool) bool {
	_, err := r.prove(k)
	return err == nil || older && errors.Is(err, errUnsealed)
}

// verifyEnded looks at what proves a key that does not sign any more.
func (r *Ring) verifyEnded(f *report, k row, older bool) {
	text, err := []byte(nil), errUnsealed
	if len(k.sealed) > 0 {
		text, err = r.Seal.Open(purpose, k.KID, k.sealed)
		defer clear(text)
	}
	switch _, wrong := r.prove(k); {
	case err == nil && !bytes.HasPrefix(text, []byte("{")):
		f.wrong(k.KID, "is %s, but its private half is still there", k.State)
	case errors.Is(err, errUnsealed) && older:
		f.note(k.KID, "ended under an older version; a program of this one seals that when it starts")
	case errors.Is(err, errUnsealed) && k.State == Revoked:
		f.note(k.KID, "was revoked by an older version; nothing sealed says so, and it is not published")
	case errors.Is(err, errUnsealed):
		f.wrong(k.KID, "is %s, but nothing sealed says so: an older version did it after this one took the ring over, or somebody put the row there; "+
			"it is not published; look for the kid in the audit log, then: keys retire --purge --force", k.State)
	case wrong != nil:
		f.wrong(k.KID, "is %s, but what is sealed says otherwise; it is not published: %v", k.State, wrong)
	}
	if k.Device != "" && over(k.Key, r.Clock().Add(-time.Hour)) {
		f.wrong(k.KID, "is %s, but still lies in the device", k.State)
	}
}
