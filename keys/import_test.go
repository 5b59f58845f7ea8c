package keys_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"

	"tegata/keys"
	"tegata/shared/audit"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// escrow writes a backup of the ring and gives who can read it.
func escrow(t *testing.T, r *keys.Ring) (text []byte, by *age.X25519Identity) {
	t.Helper()
	by, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, _, err := r.Backup(t.Context(), &out, false, by.Recipient()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), by
}

// taken tells for each kid what the import made of it: a state, "there" or "refused".
func taken(t *testing.T, r *keys.Ring, text []byte, by age.Identity, dry bool) map[string]string {
	t.Helper()
	all, _, err := r.Import(t.Context(), bytes.NewReader(text), dry, by)
	if err != nil {
		t.Fatal(err)
	}
	came := map[string]string{}
	for _, one := range all {
		switch {
		case one.Refused != "":
			came[one.Key.KID] = "refused"
		case one.Taken:
			came[one.Key.KID] = string(one.Key.State)
		default:
			came[one.Key.KID] = "there"
		}
	}
	return came
}

func TestAnExportBringsTheRingBackIntoAnEmptyDatabase(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		lost, _ := start(t, dbtest.SQLite(t, mechanisms(t)), "ES256", "RS256", "EdDSA", keys.Push)
		before, _ := lost.List(t.Context())
		text, by := escrow(t, lost)

		r, held := start(t, d)
		r.Audit = &audit.Log{DB: d, Clock: held.Now}
		if came := taken(t, r, text, by, true); len(came) != 7 {
			t.Errorf("dry run: %v, want seven keys", came)
		}
		if all, _ := r.List(t.Context()); len(all) != 0 {
			t.Fatalf("a dry run left %d keys", len(all))
		}
		taken(t, r, text, by, false)
		after, err := r.List(t.Context())
		if err != nil || len(after) != len(before) {
			t.Fatalf("%d keys %v, want %d", len(after), err, len(before))
		}
		for i, k := range after {
			if k.KID != before[i].KID || k.State != before[i].State || k.Alg != before[i].Alg {
				t.Errorf("%s %s %s, want %s %s %s", k.Alg, k.State, k.KID, before[i].Alg, before[i].State, before[i].KID)
			}
		}
		if err := r.Ensure(t.Context(), "ES256", "RS256", "EdDSA"); err != nil {
			t.Fatal(err)
		}
		for _, alg := range []string{"ES256", "RS256", "EdDSA"} {
			checkSignature(t, r, alg)
		}
		findings(t, r, "")
		if n := len(served(t, r).Keys); n != 6 {
			t.Errorf("%d keys are served, want 6: the push key is nobody's business", n)
		}
		events, err := r.Audit.Tail(t.Context(), 20, "")
		if err != nil || len(events) != 7 || events[0].Action != "key.imported" {
			t.Errorf("%d audit events %v, want one for each key", len(events), err)
		}
		for kid, what := range taken(t, r, text, by, false) {
			if what != "there" {
				t.Errorf("a second time: %s is %s, want it there already", kid, what)
			}
		}
	})
}

// A key that has ended stays dead, whether its row is there or was deleted long ago.
func TestAnImportRevivesNoKeyThatHasEnded(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		r, held := start(t, d, "ES256", "EdDSA")
		text, by := escrow(t, r)
		all, _ := r.List(t.Context())
		if _, _, err := r.Rotate(t.Context(), "ES256"); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Revoke(t.Context(), keys.Revocation{KID: all[2].KID}); err != nil { // the active EdDSA key
			t.Fatal(err)
		}
		for _, when := range []string{"while its row is there", "when it was deleted"} {
			came := taken(t, r, text, by, false)
			if came[all[0].KID] != "refused" || came[all[1].KID] != "there" || came[all[2].KID] != "refused" || came[all[3].KID] != "there" {
				t.Errorf("%s: %v", when, came)
			}
			if got := states(t, r, "ES256"); got[keys.Active] != 1 || got[keys.Next] != 1 {
				t.Errorf("%s: %v", when, got)
			}
			held.Move(2 * keys.DefaultKeep)
			if _, err := r.Purge(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got, _ := r.List(t.Context()); len(got) != 4 {
			t.Errorf("%d keys, want the ended ones gone", len(got))
		}
	})
}

func TestAnImportTakesNothingAwayFromTheKeyThatSigns(t *testing.T) {
	d := dbtest.SQLite(t, mechanisms(t))
	other, _ := start(t, dbtest.SQLite(t, mechanisms(t)), "ES256")
	foreign, _ := other.List(t.Context())
	text, by := escrow(t, other)
	r, _ := start(t, d, "ES256")
	signs := checkSignature(t, r, "ES256")
	came := taken(t, r, text, by, false)
	if came[foreign[0].KID] != "refused" || came[foreign[1].KID] != "refused" {
		t.Errorf("%v, want both refused: there is an active and a next key", came)
	}
	own, _ := r.List(t.Context())
	if _, err := r.Retire(t.Context(), keys.Retirement{KID: own[1].KID}); err != nil {
		t.Fatal(err)
	}
	if came = taken(t, r, text, by, false); came[foreign[0].KID] != "next" || came[foreign[1].KID] != "refused" {
		t.Errorf("%v, want the one that signed elsewhere to be next", came)
	}
	if kid := checkSignature(t, r, "ES256"); kid != signs {
		t.Errorf("signs with %s, want %s", kid, signs)
	}
	if why := try(t, r); why == "" {
		t.Error("an imported key may sign without evidence")
	}
}

func TestABackupThatWasTamperedWithIsRefused(t *testing.T) {
	source, _ := start(t, dbtest.SQLite(t, mechanisms(t)), "ES256", "EdDSA")
	text, by := escrow(t, source)
	plain := decrypted(t, text, by)
	r, _ := start(t, dbtest.SQLite(t, mechanisms(t)))
	stranger, _ := age.GenerateX25519Identity()
	if _, _, err := r.Import(t.Context(), bytes.NewReader(text), false, stranger); err == nil {
		t.Error("read by a stranger")
	}
	if _, _, err := r.Import(t.Context(), bytes.NewReader(text), false); err == nil {
		t.Error("read by nobody")
	}
	for name, edit := range map[string]func(k map[string]any){
		"another kid":     func(k map[string]any) { k["kid"] = "AAAAAA" },
		"no private half": func(k map[string]any) { delete(k, "d") },
		"alg none":        func(k map[string]any) { k["alg"] = "none" },
		"alg of another":  func(k map[string]any) { k["alg"] = "RS256" },
		"a secret":        func(k map[string]any) { k["kty"], k["k"] = "oct", "AAAA" },
	} {
		var set map[string]any
		if err := json.Unmarshal(plain, &set); err != nil {
			t.Fatal(err)
		}
		edit(set["keys"].([]any)[0].(map[string]any))
		wrong, _ := json.Marshal(set)
		_, _, err := r.Import(t.Context(), encrypted(t, wrong, by), false, by)
		if err == nil || !strings.Contains(err.Error(), "of the backup") {
			t.Errorf("%s: %v, want a refusal that names the key", name, err)
		}
	}
	if all, _ := r.List(t.Context()); len(all) != 0 {
		t.Errorf("%d keys came in", len(all))
	}
	if _, _, err := r.Import(t.Context(), strings.NewReader(strings.Repeat("x", 2<<20)), false, by); err == nil {
		t.Error("two megabytes were taken for a backup")
	}
}

func decrypted(t *testing.T, text []byte, by age.Identity) []byte {
	t.Helper()
	inner, err := age.Decrypt(armor.NewReader(bytes.NewReader(text)), by)
	if err != nil {
		t.Fatal(err)
	}
	var plain bytes.Buffer
	if _, err := plain.ReadFrom(inner); err != nil {
		t.Fatal(err)
	}
	return plain.Bytes()
}

func encrypted(t *testing.T, plain []byte, to *age.X25519Identity) *bytes.Buffer {
	t.Helper()
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &out
}

// A key that was deleted by force is served by running programs for a moment longer.
func TestVerifyKnowsThatADeletedKeyIsServedForAMoment(t *testing.T) {
	r, held := start(t, dbtest.SQLite(t, mechanisms(t)), "ES256")
	old, _, err := r.Rotate(t.Context(), "ES256")
	if err != nil {
		t.Fatal(err)
	}
	served, _ := r.JWKS()
	if _, err := r.Retire(t.Context(), keys.Retirement{KID: old.KID, Purge: true, Force: true}); err != nil {
		t.Fatal(err)
	}
	wrong := func() (n int) {
		all, err := r.Verify(t.Context(), served)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range all {
			if !f.OK {
				n++
			}
		}
		return n
	}
	if n := wrong(); n != 0 {
		t.Errorf("%d things are wrong at once, want none", n)
	}
	if held.Move(keys.Handover); wrong() != 1 {
		t.Errorf("%d things are wrong later, want one", wrong())
	}
}
