package verbs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"tegata/keys"
	"tegata/shared/secret"
	"tegata/shared/verbs"
)

func (k Keys) export() *cobra.Command {
	var f flags
	var private, push bool
	var recipients []string
	var passphrase, out string
	cmd := k.verb(&cobra.Command{
		Use:   "export",
		Short: "Print the public key set, or an encrypted backup of the private keys",
		Long: "Print the public keys as a JWK set. With --push, print the public half of the push key as\n" +
			"browsers take it (applicationServerKey). With --private, print the active and next keys with\n" +
			"their private halves, encrypted with age for --recipient or with the passphrase in a file;\n" +
			"`keys import` takes them in again, and `age -d` reads them. It is for an escrow: to restore a\n" +
			"database it is not needed.",
		Example: "  " + k.Name + " keys export\n  " + k.Name + " keys export --private --recipient age1… -o keys.age",
	}, func(ctx context.Context, ring *keys.Ring, _ []string) error {
		if push {
			return k.exportPush(ctx, ring, f)
		}
		if !private {
			set, err := ring.Set(ctx)
			if err != nil {
				return err
			}
			return verbs.JSON(k.Out, set)
		}
		to, err := readers(recipients, passphrase)
		if err != nil {
			return err
		}
		return k.exportPrivate(ctx, ring, out, to, f)
	})
	f.on(cmd)
	cmd.Flags().BoolVar(&push, "push", false, "the public half of the push key, for browsers")
	cmd.Flags().BoolVar(&private, "private", false, "the private keys, encrypted")
	cmd.Flags().StringArrayVar(&recipients, "recipient", nil, "who can read the backup: an age recipient (repeatable)")
	cmd.Flags().StringVar(&passphrase, "passphrase-file", "", "or a file (0600) with a passphrase")
	cmd.Flags().StringVarP(&out, "output", "o", "", "write the backup to this new file, mode 0600")
	cmd.Args = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return cobra.NoArgs(cmd, args)
		}
		if push && private {
			return verbs.Usagef("--push prints one public key and --private writes a backup: give one of them; the backup holds the push key too")
		}
		return needsPrivate(cmd, private)
	}
	return cmd
}

// needsPrivate refuses the flags of a backup where only public keys are printed: whoever
// forgot --private would believe that there is a backup.
func needsPrivate(cmd *cobra.Command, private bool) error {
	for _, flag := range []string{"recipient", "passphrase-file", "output"} {
		if !private && cmd.Flags().Changed(flag) {
			return verbs.Usagef("--%s needs --private; without it only public keys are printed", flag)
		}
	}
	return nil
}

// exportPrivate looks first whether the backup can be put where it is wanted: what was
// refused there is neither told nor audited. The audit log has the export before the file
// or the terminal does, so that no private key gets out unrecorded; when the writing fails
// then, the log tells of a backup that was never whole.
func (k Keys) exportPrivate(ctx context.Context, ring *keys.Ring, out string, to []age.Recipient, f flags) error {
	if out == "" && f.json && !f.dry {
		return verbs.Usagef("--json needs --output for the backup itself")
	}
	file, err := newFile(out, f.dry)
	if err != nil {
		return err
	}
	var sealed bytes.Buffer
	written, left, err := ring.Backup(ctx, &sealed, f.dry, to...)
	if err == nil && !f.dry {
		err = k.put(file, sealed.Bytes())
	}
	if err != nil {
		if file != nil {
			file.Close()
			err = errors.Join(err, os.Remove(out))
		}
		return err
	}
	return k.tellExported(written, left, f)
}

func (k Keys) tellExported(written, left []keys.Key, f flags) error {
	for _, key := range left {
		fmt.Fprintf(k.Err, "%s lies in the device and is not in the backup\n", key.KID)
	}
	fmt.Fprintf(k.Err, "%s\n", f.would(fmt.Sprintf("%d keys: %s", len(written), kids(written))))
	if !f.json {
		return nil
	}
	return verbs.JSON(k.Out, struct {
		Written []keyJSON `json:"written"`
		Left    []keyJSON `json:"left"`
		DryRun  bool      `json:"dry_run"`
	}{allJSON(written), allJSON(left), f.dry})
}

func (k Keys) exportPush(ctx context.Context, ring *keys.Ring, f flags) error {
	all, err := ring.List(ctx)
	if err != nil {
		return err
	}
	for _, key := range all {
		switch {
		case key.Alg != keys.Push || key.State != keys.Active:
		case f.json:
			return verbs.JSON(k.Out, map[string]string{"kid": key.KID, "application_server_key": key.ApplicationServerKey()})
		default:
			_, err := fmt.Fprintln(k.Out, key.ApplicationServerKey())
			return err
		}
	}
	return fmt.Errorf("there is no push key; make one: keys stage %s", keys.Push)
}

// readers gives who can read a backup.
func readers(recipients []string, passphrase string) (to []age.Recipient, err error) {
	if (len(recipients) > 0) == (passphrase != "") {
		return nil, verbs.Usagef("want --recipient or --passphrase-file")
	}
	if passphrase != "" {
		text, err := secret.ReadFile(passphrase)
		if err != nil {
			return nil, err
		}
		if len(text) < 16 {
			return nil, fmt.Errorf("%s: a passphrase for keys needs 16 characters at least", passphrase)
		}
		one, err := age.NewScryptRecipient(text)
		return []age.Recipient{one}, err
	}
	for _, text := range recipients {
		one, err := age.ParseX25519Recipient(text)
		if err != nil {
			return nil, verbs.Usagef("--recipient %s: %v", verbs.Plain(text), err)
		}
		to = append(to, one)
	}
	return to, nil
}

// newFile makes the file, which must not be there yet; nil without a path. A dry run only
// looks whether it is there.
func newFile(path string, dry bool) (*os.File, error) {
	if path == "" {
		return nil, nil
	}
	there := fmt.Errorf("%s is there already, and is not overwritten; move it away or name another file", path)
	if dry {
		if _, err := os.Lstat(path); err == nil {
			return nil, there
		}
		return nil, nil
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, there
	}
	return file, err
}

// put writes the backup to the file, or prints it.
func (k Keys) put(file *os.File, sealed []byte) error {
	if file == nil {
		_, err := k.Out.Write(sealed)
		return err
	}
	_, err := file.Write(sealed)
	return errors.Join(err, file.Sync(), file.Close())
}
