package verbs

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tegata/keys"
	"tegata/shared/verbs"
)

func (k Keys) stage() *cobra.Command {
	var f flags
	cmd := k.verb(&cobra.Command{
		Use:   "stage ALG…",
		Short: "Make a next key and publish it, so that clients know it before it signs",
		Long: "Make a next key for each algorithm and publish it, so that clients know it before it\n" +
			"signs. The first start makes keys for every algorithm that " + k.Name + " signs with; others are refused.\n" +
			keys.Push + " is the push key: the first one signs at once, a second one waits for `keys promote`, and\n" +
			"neither is ever in the key set.",
		Example: "  " + k.Name + " keys stage ES256",
		Args:    cobra.MinimumNArgs(1),
	}, func(ctx context.Context, ring *keys.Ring, algs []string) error {
		algs = once(algs)
		if err := areAlgorithms(algs); err != nil {
			return err
		}
		for _, alg := range algs {
			if alg != keys.Push && len(ring.Needs) > 0 && !slices.Contains(ring.Needs, alg) {
				return verbs.Usagef("%s signs nothing with %s, only with %s", k.Name, alg, strings.Join(ring.Needs, ", "))
			}
		}
		type staged struct {
			Key    keyJSON `json:"key"`
			Made   bool    `json:"made"`
			DryRun bool    `json:"dry_run"`
		}
		done := []staged{}
		for _, alg := range algs {
			key, made, err := ring.Stage(ctx, alg, f.dry)
			if err != nil {
				return err
			}
			done = append(done, staged{toJSON(key), made, f.dry})
			switch {
			case f.json:
			case !made:
				fmt.Fprintf(k.Out, "%s: %s is staged already\n", alg, key.KID)
			case f.dry && key.State == keys.Active:
				fmt.Fprintf(k.Out, "%s: would make the first key, which signs at once\n", alg)
			case f.dry:
				fmt.Fprintf(k.Out, "%s: would stage a new key\n", alg)
			case key.State == keys.Active:
				fmt.Fprintf(k.Out, "%s: %s signs; browsers subscribe with %s\n", alg, key.KID, key.ApplicationServerKey())
			case alg == keys.Push:
				fmt.Fprintf(k.Out, "%s: %s is staged; nobody uses it before: keys promote %[1]s\n", alg, key.KID)
			default:
				fmt.Fprintf(k.Out, "%s: %s is staged; it may sign when clients have it: keys promote %[1]s\n", alg, key.KID)
			}
		}
		if f.json {
			return verbs.JSON(k.Out, done)
		}
		return nil
	})
	f.on(cmd)
	return cmd
}

// once leaves out what is named again: a second rotation would let a key sign that nobody
// can have yet.
func once(algs []string) (all []string) {
	for _, alg := range algs {
		if !slices.Contains(all, alg) {
			all = append(all, alg)
		}
	}
	return all
}

// areAlgorithms refuses names that no key can have.
func areAlgorithms(algs []string) error {
	known := append(slices.Clone(keys.Algorithms), keys.Push)
	for _, alg := range algs {
		if !slices.Contains(known, alg) {
			return verbs.Usagef("there is no algorithm %s; want one of %s", verbs.Plain(alg), strings.Join(known, ", "))
		}
	}
	return nil
}
