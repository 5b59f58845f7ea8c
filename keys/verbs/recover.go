package verbs

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tegata/keys"
	"tegata/shared/verbs"
)

func (k Keys) recover() *cobra.Command {
	var f flags
	var yes bool
	cmd := k.verb(&cobra.Command{
		Use:   "recover",
		Short: "A backup was restored: replace every key, end every session, grant and code",
		Long: "A backup was restored: it may hold keys that had retired, and sessions, codes and tokens\n" +
			"that were over. Replace every key, end every session, grant and code, and let the database\n" +
			"be used again. " + k.Name + " refuses to start with such a database until this was done.\n\n" +
			strings.Join(k.undone(), "\n"),
		Args: cobra.NoArgs,
	}, func(ctx context.Context, ring *keys.Ring, _ []string) error {
		look, err := ring.Recover(ctx, true)
		if err != nil {
			return err
		}
		if look.Was == nil {
			return errors.New("the database is not behind; when keys are compromised: keys revoke --all")
		}
		fmt.Fprintln(k.Err, look.Was)
		if f.dry {
			if f.json {
				return verbs.JSON(k.Out, struct {
					Revoked []keyJSON `json:"revoked"`
					Again   []Again   `json:"do_again"`
					DryRun  bool      `json:"dry_run"`
				}{allJSON(look.Revoked), append([]Again{}, k.Again...), true})
			}
			fmt.Fprintf(k.Out, "would: revoke %s and end everything\n", kids(look.Revoked))
			k.tellUndone()
			return nil
		}
		if !yes {
			if err := k.confirm("recover", "Everybody will have to log in again."); err != nil {
				return err
			}
		}
		done, err := ring.Recover(ctx, false)
		if err != nil {
			return err
		}
		all := keys.RevokedKeys{Revoked: done.Revoked, Active: done.Active, Ended: done.Damage}
		if f.json {
			return verbs.JSON(k.Out, struct {
				receiptJSON
				Again []Again `json:"do_again"`
			}{toReceipt(all), append([]Again{}, k.Again...)})
		}
		defer k.tellUndone()
		return k.receipt(all, f)
	})
	f.on(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

// undone tells what a restored backup undoes besides what is ended for it, in lines. Nobody
// can know from the database what came after the backup: the audit log that was kept
// elsewhere can.
func (k Keys) undone() []string {
	lines := []string{
		"Everything else in the database is as it was when the backup was made. What happened since is",
		"in the log of the programs, and in an audit log that was exported elsewhere; do it again:",
		"  the schedule of the keys is the one of that time: " + k.Name + " keys schedule",
	}
	for _, one := range k.Again {
		line := "  " + one.What
		if one.Run != "" {
			line += ": " + one.Run
		}
		lines = append(lines, line)
	}
	return lines
}

func (k Keys) tellUndone() {
	for _, line := range k.undone() {
		fmt.Fprintln(k.Err, line)
	}
}
