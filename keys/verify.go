package keys

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/shared/secret"
)

// Finding is something that Verify looked at.
type Finding struct {
	OK   bool   `json:"ok"`
	Note bool   `json:"note"` // could not be checked, or should be known
	Key  string `json:"kid,omitempty"`
	Text string `json:"text"`
}

// report collects findings.
type report []Finding

func (f *report) wrong(kid, text string, args ...any) {
	*f = append(*f, Finding{Key: kid, Text: fmt.Sprintf(text, args...)})
}

func (f *report) note(kid, text string, args ...any) {
	*f = append(*f, Finding{OK: true, Note: true, Key: kid, Text: fmt.Sprintf(text, args...)})
}

func (f *report) fine(text string, args ...any) {
	*f = append(*f, Finding{OK: true, Text: fmt.Sprintf(text, args...)})
}

// Verify checks the ring: that every private half opens and belongs to its public half,
// that states and times fit together, that each algorithm has exactly one key that
// signs, that no running program signs with any other, and that the served key set, nil
// when nobody serves, is the database's.
func (r *Ring) Verify(ctx context.Context, served []byte) ([]Finding, error) {
	var f report
	rows, err := r.load(ctx)
	if err != nil {
		return nil, err
	}
	_ = r.askOlder(ctx, rows...) // what it does not answer for is not proved
	older := r.olderKeys(rows)
	for _, row := range rows {
		r.verifyRow(&f, row, older)
	}
	p, err := r.plan(ctx)
	if err != nil {
		return nil, err
	}
	r.verifyStates(&f, rows, p.Every > 0)
	if err := r.verifyNodes(ctx, &f, rows); err != nil {
		return nil, err
	}
	if err := r.verifySeals(ctx, &f); err != nil {
		return nil, err
	}
	if err := r.verifyEpoch(ctx, &f); err != nil {
		return nil, err
	}
	ended, err := r.ended(ctx)
	if err != nil {
		return nil, err
	}
	r.verifyServed(&f, rows, ended, served, older)
	if !slices.ContainsFunc(f, func(one Finding) bool { return !one.OK }) {
		f.fine("%d keys are in order", len(rows))
	}
	return f, nil
}

func (r *Ring) verifyRow(f *report, k row, older bool) {
	if thumb, err := thumbprint(k.Public); err != nil || thumb != k.KID || k.Public.KeyID != k.KID {
		f.wrong(k.KID, "the public half is not the one that the kid names")
	}
	if !suits(k.Alg, k.Public) {
		f.wrong(k.KID, "is no key for %s", k.Alg)
	}
	for _, t := range []struct {
		name string
		need bool
		at   bool
	}{
		{"activated", k.State == Active, k.ActivatedAt != nil},
		{"retired", k.State == Retired || k.State == Revoked, k.RetiredAt != nil},
		{"revoked", k.State == Revoked, k.RevokedAt != nil},
		{"to be purged", k.State == Retired || k.State == Revoked, k.PurgeAfter != nil},
	} {
		if t.need != t.at && (t.need || t.name != "activated" || k.State == Next) {
			f.wrong(k.KID, "is %s, but the time when it was %s does not fit", k.State, t.name)
		}
	}
	if k.State == Retired || k.State == Revoked {
		r.verifyEnded(f, k, older)
		return
	}
	private, err := r.open(k)
	if err != nil {
		if away := awayInWords(err); away != "" {
			f.wrong(k.KID, "cannot sign: %s", away)
			return
		}
		f.wrong(k.KID, "does not open: %v", err)
		return
	}
	if !belongs(private, k.Public.Key) {
		f.wrong(k.KID, "the private half does not belong to the public half")
	}
	if _, err := r.prove(k); k.Device != "" && err != nil {
		f.wrong(k.KID, "what is sealed says otherwise: %v", err)
	}
}

// suits tells whether a public key is of the kind that the algorithm takes.
func suits(alg string, k jose.JSONWebKey) bool {
	alg = signs(alg)
	ok := k.Algorithm == alg && k.Use == "sig" && k.IsPublic()
	switch key := k.Key.(type) {
	case *ecdsa.PublicKey:
		return ok && alg == "ES256" && key.Curve == elliptic.P256()
	case *rsa.PublicKey:
		return ok && (alg == "RS256" || alg == "PS256") && key.N.BitLen() >= rsaBits
	case ed25519.PublicKey:
		return ok && alg == "EdDSA"
	}
	return false
}

// verifyStates counts keys by state. With a schedule, programs stage the next key when its
// time comes.
func (r *Ring) verifyStates(f *report, rows []row, scheduled bool) {
	count := map[string]map[State]int{}
	for _, alg := range r.Needs {
		count[alg] = map[State]int{}
	}
	for _, k := range rows {
		if count[k.Alg] == nil {
			count[k.Alg] = map[State]int{}
		}
		count[k.Alg][k.State]++
	}
	for _, alg := range append(slices.Clone(Algorithms), Push) {
		n, has := count[alg]
		switch {
		case !has:
		case n[Active] > 1 || n[Next] > 1:
			f.wrong("", "%s has %d active and %d next keys", alg, n[Active], n[Next])
		case n[Active] == 0 && slices.Contains(r.Needs, alg):
			f.wrong("", "%s has no active key", alg)
		case n[Active] == 0:
			f.note("", "nothing signs with %s", alg)
		case n[Next] == 0 && alg != Push && !scheduled:
			f.note("", "%s has no next key; stage one, so that clients know it when it is needed", alg)
		}
	}
}

// verifyNodes checks what running programs say they sign with.
func (r *Ring) verifyNodes(ctx context.Context, f *report, rows []row) error {
	nodes, err := r.Nodes(ctx)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		for _, kid := range n.Signs {
			at := slices.IndexFunc(rows, func(k row) bool { return k.KID == kid })
			switch {
			case at < 0:
				f.wrong(kid, "%s signs with it, but it is not in the ring", n.Host)
			case rows[at].State != Active && rows[at].RetiredAt != nil && r.Clock().Before(rows[at].RetiredAt.Add(Handover)):
				f.note(kid, "%s is handing over to the next key", n.Host)
			case rows[at].State != Active:
				f.wrong(kid, "%s signs with it, but it is %s", n.Host, rows[at].State)
			}
		}
	}
	if len(nodes) == 0 {
		f.note("", "no program runs with this ring")
		return nil
	}
	running := "1 running program signs"
	if len(nodes) != 1 {
		running = fmt.Sprintf("%d running programs sign", len(nodes))
	}
	f.fine("%s with active keys", running)
	if slices.ContainsFunc(rows, func(k row) bool { return k.State == Active && k.Device != "" }) {
		f.note("", "whether running programs reach the PKCS #11 device cannot be seen from here; ask each for /readyz, where keys are failing when one does not")
	}
	return nil
}

// verifySeals looks for rows that the key-encryption key in use did not seal.
func (r *Ring) verifySeals(ctx context.Context, f *report) error {
	for _, c := range append([]secret.Column{sealedColumn}, r.Columns...) {
		n, err := r.countSealed(ctx, c, r.Seal.ID())
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
		switch {
		case n > 0 && len(r.Seal.Holds()) > 1:
			f.note("", "%d %s wait to be sealed by the new key-encryption key; run: keys rewrap", n, c.Name)
		case n > 0:
			f.wrong("", "%d %s are sealed by another key-encryption key; with it beside the key as .old, run: keys rewrap", n, c.Name)
		}
	}
	return nil
}

func (r *Ring) verifyEpoch(ctx context.Context, f *report) error {
	path := r.seenFile()
	if path == "" {
		f.note("", "the key-encryption key does not come from a file: a restored backup will not be noticed")
		return nil
	}
	if _, err := os.Stat(path); err != nil {
		f.note("", "%s: a restored backup will not be noticed: %v", path, err)
	}
	err := r.Current(ctx)
	if _, restored := err.(*Restored); restored {
		f.wrong("", "%v", err)
		return nil
	}
	return err
}

// verifyServed compares the key set that readers get with the database.
func (r *Ring) verifyServed(f *report, rows []row, ended map[string]ending, served []byte, older bool) {
	if served == nil {
		f.note("", "the served key set was not looked at")
		return
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(served, &set); err != nil {
		f.wrong("", "the served key set cannot be read: %v", err)
		return
	}
	if bytes.Contains(served, []byte(`"d"`)) {
		f.wrong("", "the served key set holds private parts")
	}
	want, fresh, now := map[string]bool{}, map[string]bool{}, r.Clock()
	for _, k := range rows {
		want[k.KID] = k.State != Revoked && k.Alg != Push && !over(k.Key, now) && r.shown(k, older)
		changed := k.StagedAt
		if k.RevokedAt != nil {
			changed = *k.RevokedAt
		}
		fresh[k.KID] = now.Before(changed.Add(Handover))
	}
	for kid, e := range ended {
		if _, there := want[kid]; !there && e.purged != nil && now.Before(e.purged.Add(Handover)) {
			want[kid], fresh[kid] = false, true
		}
	}
	for _, k := range set.Keys {
		switch shown, known := want[k.KeyID]; {
		case !known:
			f.wrong(k.KeyID, "is served, but not in the ring")
		case !shown && fresh[k.KeyID]:
			f.note(k.KeyID, "is served still; running programs follow within seconds")
		case !shown:
			f.wrong(k.KeyID, "is served, but should not be any more")
		}
		delete(want, k.KeyID)
	}
	var missing []string
	for kid, shown := range want {
		switch {
		case shown && fresh[kid]:
			f.note(kid, "is not served yet; running programs follow within seconds")
		case shown:
			missing = append(missing, kid)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		f.wrong("", "not served: %s", strings.Join(missing, ", "))
		return
	}
	f.fine("the served key set has %d keys", len(set.Keys))
}
