package verbs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tegata/keys"
	"tegata/shared/verbs"
)

func (k Keys) retire() *cobra.Command {
	var f flags
	var yes bool
	q := keys.Retirement{}
	cmd := k.verb(&cobra.Command{
		Use:   "retire KID",
		Short: "Withdraw a next key, end the push key, or delete a retired key",
		Long: "Withdraw a next key, or retire the active key of an algorithm that " + k.Name + " does not need: the\n" +
			"push key, which ends every push subscription, so the word " + keys.Push + " has to be typed (or --yes).\n" +
			"The key stays published until nothing that it signed can be alive; then it is deleted. One\n" +
			"that has ended already stays as it is.\n" +
			"--purge deletes it by hand: before that time only with --force, and what is invalidated by\n" +
			"it is written to the audit log. A key in a PKCS #11 device is deleted there as well; with\n" +
			"--force it is forgotten even when the device is away, and may still lie there.",
	}, func(ctx context.Context, ring *keys.Ring, args []string) error {
		q.KID, q.Dry = args[0], f.dry
		was, err := ring.Find(ctx, q.KID)
		if err != nil {
			return err
		}
		if err := k.warnOfEnd(ctx, ring, was, q, yes); err != nil {
			return err
		}
		key, err := ring.Retire(ctx, q)
		var early *keys.Early
		switch {
		case errors.Is(err, keys.ErrSigns):
			return fmt.Errorf("%s signs; use: keys promote %s (and keys stage %[2]s before, when no next key waits), or when it is compromised: keys revoke", key.KID, key.Alg)
		case errors.As(err, &early) && key.State == keys.Revoked:
			return fmt.Errorf("%s is revoked: what it signed is invalid already. It is kept until %s, so that keys revoke can be repeated; --force deletes it now",
				key.KID, verbs.Time(&early.Until))
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
				Key     keyJSON `json:"key"`
				Already bool    `json:"already"` // it had ended before, so nothing was changed
				Purged  bool    `json:"purged"`
				DryRun  bool    `json:"dry_run"`
			}{toJSON(key), ended(was) && !q.Purge, q.Purge, f.dry})
		}
		text := fmt.Sprintf("%s is %s, to be deleted after %s", key.KID, key.State, verbs.Time(key.PurgeAfter))
		switch {
		case q.Purge:
			text = key.KID + " is deleted"
		case ended(was):
			fmt.Fprintf(k.Out, "%s: %s is %s since %s already, to be deleted after %s; nothing was changed\n",
				key.Alg, key.KID, key.State, verbs.Time(since(was)), verbs.Time(key.PurgeAfter))
			return nil
		}
		fmt.Fprintf(k.Out, "%s: %s\n", key.Alg, f.would(text))
		return nil
	})
	takesKID(cmd, func(cmd *cobra.Command, args []string) error {
		if q.Force && !q.Purge {
			return verbs.Usagef("--force needs --purge")
		}
		return cobra.ExactArgs(1)(cmd, args)
	})
	f.on(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask about the push key")
	cmd.Flags().BoolVar(&q.Purge, "purge", false, "delete it as well")
	cmd.Flags().BoolVar(&q.Force, "force", false, "with --purge: although what it signed may be alive, or the device is away")
	return cmd
}

// ended tells whether a key had its end.
func ended(key keys.Key) bool { return key.State == keys.Retired || key.State == keys.Revoked }

// since is when it was.
func since(key keys.Key) *time.Time {
	if key.State == keys.Revoked {
		return key.RevokedAt
	}
	return key.RetiredAt
}

// warnOfEnd asks before the push key that signs is taken away.
func (k Keys) warnOfEnd(ctx context.Context, ring *keys.Ring, key keys.Key, q keys.Retirement, yes bool) error {
	if key.Alg != keys.Push || key.State != keys.Active {
		return nil
	}
	yes = yes || q.Dry
	q.Dry = true
	if _, refused := ring.Retire(ctx, q); refused != nil {
		return nil // which is told when it is tried
	}
	const warning = "Every push subscription ends: browsers bind it to this key, and no other takes its place."
	if yes {
		fmt.Fprintln(k.Err, warning)
		return nil
	}
	return k.confirm(keys.Push, warning)
}
