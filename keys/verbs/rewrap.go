package verbs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"tegata/keys"
	"tegata/shared/secret"
	"tegata/shared/verbs"
)

func (k Keys) rewrap() *cobra.Command {
	var f flags
	var generate, finish bool
	cmd := k.verb(&cobra.Command{
		Use:   "rewrap",
		Short: "Change the key-encryption key: seal everything in the database anew",
		Long: "Change the key-encryption key while " + k.Name + " runs. Put the new one beside the old one on every\n" +
			"machine, with .next at the end of its name (--generate makes it here). Running programs\n" +
			"take it up within seconds, and are waited for, a minute at most and by name; then everything\n" +
			"sealed in the database is sealed anew. It may be stopped at any moment and run again.\n\n" +
			"Codes that people type (in mails, at log-in) cannot be sealed anew: those under way are\n" +
			"accepted while both keys are at hand, and expire.\n\n" +
			"In the end --finish puts the new key in the place of the old one, on this machine, and keeps\n" +
			"the old one with .old at its end: backups made until now can only be read with it. Where one\n" +
			"from the change before lies there, it has to be moved away first, to the backups it belongs to.\n" +
			"Where no .next lies, nothing is under way, and --finish says so.\n\n" +
			"Where the key comes from the environment, start every program with the old one as\n" +
			"key_encryption_key and the new one as key_encryption_key_next (or _next_file), one after the\n" +
			"other; run this with the same settings; then start them with the new one alone.",
		Args: cobra.NoArgs,
	}, func(ctx context.Context, ring *keys.Ring, _ []string) error {
		switch {
		case ring.NextKEK != "" && (generate || finish):
			return verbs.Usagef("the new key comes from key_encryption_key_next: there is no file to make or to move")
		case ring.NextKEK == "" && ring.KeyFile == "":
			return errors.New("there is no new key; start every " + k.Name + " with key_encryption_key_next beside key_encryption_key, and run this with the same settings")
		}
		if err := ring.Current(ctx); err != nil { // before anything is written
			return err
		}
		if finish {
			if err := k.room(ring, generate); err != nil {
				return err
			}
		}
		if generate && !f.dry {
			if _, err := secret.ReadOrCreateKeyFile(ring.NextKeyFile()); err != nil {
				return err
			}
		}
		to, err := k.successorKey(ring, f.dry && generate, finish)
		if err != nil {
			return err
		}
		tell := func(name string, n int64) { fmt.Fprintf(k.Err, "%s: %d\n", name, n) }
		late := func(text string) { fmt.Fprintln(k.Err, verbs.Plain(text)) }
		done, err := ring.Rewrap(ctx, keys.Rewrapping{To: to, Dry: f.dry, Tell: tell, Late: late})
		if err != nil {
			return err
		}
		if err := k.showRewrapped(done, f); err != nil {
			return err
		}
		switch {
		case f.dry:
			return nil
		case done.Left() > 0:
			return verbs.Answered(fmt.Errorf("%d rows are not sealed by the new key; the old one is still needed", done.Left()))
		case k.finished(ring):
			fmt.Fprintf(k.Err, "Everything is sealed by %s, and that is the key in %s: nothing is left to do here.\n", done.To, ring.KeyFile)
			return nil
		case finish:
			return verbs.Answered(k.swap(ring, f))
		}
		what := "On every machine, run: " + k.Name + " keys rewrap --finish"
		if ring.NextKEK != "" {
			what = "Start every " + k.Name + " with that one as key_encryption_key, and without key_encryption_key_next.\n" +
				"Backups made until now can only be read with the old one: keep it with them."
		}
		fmt.Fprintf(k.Err, "Everything is sealed by %s. %s\n", done.To, what)
		return nil
	})
	f.on(cmd)
	cmd.Flags().BoolVar(&generate, "generate", false, "make the new key here, when there is none yet")
	cmd.Flags().BoolVar(&finish, "finish", false, "put the new key in the place of the old one, when nothing needs that any more")
	return cmd
}

// successorKey names the new key and makes sure that we hold it. Who wants to finish what is
// finished already has nothing to begin: the key at hand is the new one.
func (k Keys) successorKey(ring *keys.Ring, pretend, finish bool) (id string, err error) {
	if ring.NextKEK != "" {
		return ring.NextKEK, nil
	}
	key, err := secret.ReadKeyFile(ring.NextKeyFile())
	if errors.Is(err, fs.ErrNotExist) && !pretend {
		if old, err := secret.ReadKeyFile(ring.KeyFile + ".old"); err == nil { // what came late, sealed by the old key
			_, err = ring.Seal.Learn(old)
			return ring.Seal.ID(), err
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && pretend:
		key = secret.Bytes(32)
	case errors.Is(err, fs.ErrNotExist) && finish:
		fmt.Fprintf(k.Err, "There is no %s: no change of the key-encryption key is under way.\n", ring.NextKeyFile())
		return ring.Seal.ID(), nil
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("there is no %s, so no change of the key-encryption key is under way; to begin one, put the new key there, or use --generate", ring.NextKeyFile())
	case err != nil:
		return "", err
	}
	return ring.Seal.Learn(key)
}

func (k Keys) showRewrapped(done keys.Rewrapped, f flags) error {
	if f.json {
		return verbs.JSON(k.Out, struct {
			keys.Rewrapped
			DryRun bool `json:"dry_run"`
		}{done, f.dry})
	}
	rows := make([][]string, len(done.Columns))
	for i, c := range done.Columns {
		rows[i] = []string{c.Name, strconv.FormatInt(c.Done, 10), strconv.FormatInt(c.Left, 10), list(c.Broken)}
	}
	return verbs.Table(k.Out, []string{"WHAT", "SEALED ANEW", "LEFT", "UNREADABLE"}, rows)
}

// finished tells whether the new key is in its place on this machine already.
func (k Keys) finished(ring *keys.Ring) bool {
	if ring.NextKEK != "" || ring.KeyFile == "" {
		return false
	}
	_, err := os.Stat(ring.NextKeyFile())
	return errors.Is(err, fs.ErrNotExist)
}

// room refuses a change whose old key could not be kept, since the one of the change
// before still lies in its place.
func (k Keys) room(ring *keys.Ring, generate bool) error {
	if ring.KeyFile == "" || !generate && k.finished(ring) {
		return nil
	}
	old := ring.KeyFile + ".old"
	_, err := os.Lstat(old)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case sameKey(ring.KeyFile, old), sameKey(ring.KeyFile, ring.NextKeyFile()): // it broke off in the middle
		return nil
	}
	return fmt.Errorf("%s is the old key of the change before, which older backups need; move it away first, to them", old)
}

// sameKey tells whether two files hold one key.
func sameKey(one, other string) bool {
	a, err := secret.ReadKeyFile(one)
	if err != nil {
		return false
	}
	b, err := secret.ReadKeyFile(other)
	return err == nil && bytes.Equal(a, b)
}

// swap puts the new key in the place of the old one. The old one is linked to its new
// name first, and the rename is one step: at no moment is there no key.
func (k Keys) swap(ring *keys.Ring, f flags) error {
	old := ring.KeyFile + ".old"
	if _, err := secret.ReadKeyFile(ring.NextKeyFile()); err != nil {
		return err
	}
	if sameKey(ring.KeyFile, ring.NextKeyFile()) {
		return os.Remove(ring.NextKeyFile())
	}
	if err := os.Link(ring.KeyFile, old); err != nil && !sameKey(ring.KeyFile, old) {
		return fmt.Errorf("the old key cannot be kept as %s; move that file away first: %w", old, err)
	}
	if err := os.Rename(ring.NextKeyFile(), ring.KeyFile); err != nil {
		return err
	}
	fmt.Fprintf(k.Err, "%s is the new key. %s is needed for older backups only: keep it with them.\n", ring.KeyFile, old)
	return nil
}
