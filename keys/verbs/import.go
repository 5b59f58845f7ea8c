package verbs

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"tegata/keys"
	"tegata/shared/secret"
	"tegata/shared/verbs"
)

// importedJSON is one key of a backup as --json prints it.
type importedJSON struct {
	Key     keyJSON `json:"key"`
	Taken   bool    `json:"taken"`
	Refused string  `json:"refused,omitempty"`
}

func (k Keys) importing() *cobra.Command {
	var f flags
	var identity, passphrase string
	cmd := k.verb(&cobra.Command{
		Use:   "import FILE",
		Short: "Take the private keys of an encrypted backup into the ring",
		Long: "Take in what `keys export --private` wrote, from a file or from - : for a database that was\n" +
			"lost without a backup of its own. The keys are sealed by the key-encryption key at hand. A\n" +
			"key that was active signs again only where nothing signs with its algorithm, so import\n" +
			"before the first start of " + k.Name + "; otherwise it becomes next, if there is none: keys promote.\n\n" +
			"A key that has retired or was revoked in this database never comes back. A database that is\n" +
			"new cannot know what ended after the backup was made: think of that when it is old.\n" +
			"Exit code 1 when a key was refused; the others are taken.",
		Example: "  " + k.Name + " keys import keys.age --identity-file escrow.txt --dry-run\n" +
			"  " + k.Name + " keys import keys.age --passphrase-file passphrase",
		Args: cobra.ExactArgs(1),
	}, func(ctx context.Context, ring *keys.Ring, args []string) error {
		by, err := openers(identity, passphrase)
		if err != nil {
			return err
		}
		from, err := k.source(args[0])
		if err != nil {
			return err
		}
		defer from.Close()
		all, at, err := ring.Import(ctx, from, f.dry, by...)
		if err != nil {
			return err
		}
		return k.tellImported(all, at, f)
	})
	f.on(cmd)
	cmd.Flags().StringVar(&identity, "identity-file", "", "file (0600) with the age identity that the backup is for")
	cmd.Flags().StringVar(&passphrase, "passphrase-file", "", "or a file (0600) with its passphrase")
	return cmd
}

func (k Keys) source(path string) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(k.In), nil
	}
	return os.Open(path)
}

// openers gives what opens a backup.
func openers(identity, passphrase string) ([]age.Identity, error) {
	if (identity != "") == (passphrase != "") {
		return nil, verbs.Usagef("want --identity-file or --passphrase-file")
	}
	if passphrase != "" {
		text, err := secret.ReadFile(passphrase)
		if err != nil {
			return nil, err
		}
		one, err := age.NewScryptIdentity(text)
		return []age.Identity{one}, err
	}
	if _, err := secret.ReadFile(identity); err != nil { // refuses one that others can read
		return nil, err
	}
	file, err := os.Open(identity)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	all, err := age.ParseIdentities(file)
	if err != nil {
		return nil, fmt.Errorf("%s holds no age identity, such as age-keygen makes: %w", identity, err)
	}
	return all, nil
}

func (k Keys) tellImported(all []keys.Imported, at time.Time, f flags) error {
	list, refused := make([]importedJSON, len(all)), 0
	for i, one := range all {
		list[i] = importedJSON{toJSON(one.Key), one.Taken, one.Refused}
		if one.Refused != "" {
			refused++
		}
	}
	if f.json {
		err := verbs.JSON(k.Out, struct {
			ExportedAt time.Time      `json:"exported_at"`
			Keys       []importedJSON `json:"keys"`
			DryRun     bool           `json:"dry_run"`
		}{at, list, f.dry})
		if err != nil {
			return err
		}
	} else {
		fmt.Fprintf(k.Err, "the backup is of %s\n", verbs.Time(&at))
		for _, one := range all {
			text := "is in the ring already"
			switch {
			case one.Refused != "":
				text = one.Refused
			case one.Taken:
				text = f.would("comes in as " + string(one.Key.State))
			}
			fmt.Fprintf(k.Out, "%s: %s %s\n", one.Key.Alg, one.Key.KID, text)
		}
	}
	if refused > 0 {
		return verbs.Answered(fmt.Errorf("%d of %d keys were refused", refused, len(all)))
	}
	return nil
}
