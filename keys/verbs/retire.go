package verbs

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tegata/keys"
	"tegata/shared/verbs"
)

func (k Keys) retire() *cobra.Command {
	var f flags
	q := keys.Retirement{}
	cmd := k.verb(&cobra.Command{
		Use:   "retire KID",
		Short: "Withdraw a next key, end an algorithm, or delete a retired key",
		Long: "Withdraw a next key, or retire the active key of an algorithm that is not needed any more.\n" +
			"The key stays published until nothing that it signed can be alive; then it is deleted.\n" +
			"--purge deletes it by hand: before that time only with --force, and what is invalidated by\n" +
			"it is written to the audit log.",
		Args: cobra.ExactArgs(1),
	}, func(ctx context.Context, ring *keys.Ring, args []string) error {
		q.KID, q.Dry = args[0], f.dry
		key, err := ring.Retire(ctx, q)
		var early *keys.Early
		switch {
		case errors.Is(err, keys.ErrSigns):
			return fmt.Errorf("%s signs; use: keys promote %s, or when it is compromised: keys revoke", key.KID, key.Alg)
		case errors.As(err, &early):
			damage, failed := ring.Damage(ctx, key)
			if failed != nil {
				return failed
			}
			return fmt.Errorf("%s: %w; deleting it now would invalidate what it signed for %s; --force does", key.KID, err, damage)
		case err != nil:
			return err
		}
		if f.json {
			return verbs.JSON(k.Out, struct {
				Key    keyJSON `json:"key"`
				Purged bool    `json:"purged"`
				DryRun bool    `json:"dry_run"`
			}{toJSON(key), q.Purge, f.dry})
		}
		text := fmt.Sprintf("%s is %s, to be deleted after %s", key.KID, key.State, verbs.Time(key.PurgeAfter))
		if q.Purge {
			text = key.KID + " is deleted"
		}
		fmt.Fprintf(k.Out, "%s: %s\n", key.Alg, f.would(text))
		return nil
	})
	f.on(cmd)
	cmd.Flags().BoolVar(&q.Purge, "purge", false, "delete it as well")
	cmd.Flags().BoolVar(&q.Force, "force", false, "with --purge: although what it signed may be alive")
	return cmd
}
