// Package verbs is the key ring on the command line of both programs: keys list and
// keys rotate.
package verbs

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"tegata/keys"
	"tegata/shared/fault"
	"tegata/shared/verbs"
)

// Keys is what the verbs work with.
type Keys struct {
	verbs.Std
	Name string                                                          // of the program
	Open func(ctx context.Context, do func(ring *keys.Ring) error) error // opens, does, closes
}

// Command gives the keys command.
func (k Keys) Command() *cobra.Command {
	group := &cobra.Command{
		Use:   "keys",
		Short: "List and rotate the signing keys",
		Long: "A signing key is next, then active, then retired. A running " + k.Name + " follows what is done\n" +
			"here within seconds.",
		Args: cobra.NoArgs,
	}
	group.AddCommand(k.list(), k.rotate())
	return group
}

// keyJSON is a key as --json prints it.
type keyJSON struct {
	KID         string     `json:"kid"`
	Alg         string     `json:"alg"`
	State       keys.State `json:"state"`
	CreatedAt   time.Time  `json:"created_at"`
	StagedAt    time.Time  `json:"staged_at"`
	PublishedAt *time.Time `json:"published_at"`
	ActivatedAt *time.Time `json:"activated_at"`
	RetiredAt   *time.Time `json:"retired_at"`
	PurgeAfter  *time.Time `json:"purge_after"`
	SealedBy    string     `json:"sealed_by"`
}

func toJSON(k keys.Key) keyJSON {
	return keyJSON{k.KID, k.Alg, k.State, k.CreatedAt, k.StagedAt, k.PublishedAt, k.ActivatedAt, k.RetiredAt, k.PurgeAfter, k.SealedBy}
}

func (k Keys) list() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the signing keys, without their private halves",
		Args:  cobra.NoArgs,
		RunE: verbs.Do(func(cmd *cobra.Command, _ []string) error {
			return k.Open(cmd.Context(), func(ring *keys.Ring) error {
				all, err := ring.List(cmd.Context())
				if err != nil {
					return err
				}
				return show(k.Out, all, asJSON)
			})
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func show(w io.Writer, all []keys.Key, asJSON bool) error {
	if asJSON {
		list := make([]keyJSON, len(all))
		for i, key := range all {
			list[i] = toJSON(key)
		}
		return verbs.JSON(w, list)
	}
	rows := make([][]string, len(all))
	for i, key := range all {
		rows[i] = []string{key.Alg, string(key.State), key.KID, verbs.Time(&key.StagedAt), verbs.Time(key.PublishedAt),
			verbs.Time(key.ActivatedAt), verbs.Time(key.RetiredAt), verbs.Time(key.PurgeAfter)}
	}
	return verbs.Table(w, []string{"ALG", "STATE", "KID", "STAGED", "PUBLISHED", "ACTIVATED", "RETIRED", "PURGED AFTER"}, rows)
}

func (k Keys) rotate() *cobra.Command {
	var all, asJSON bool
	cmd := &cobra.Command{
		Use:   "rotate ALG… | --all",
		Short: "Let the next key sign, retire the active one, stage a new one",
		Long: "Let the next key sign, retire the active one and stage a new one, for each algorithm named.\n" +
			"What the retired key signed stays valid. It may be done while " + k.Name + " runs.",
		Example: "  " + k.Name + " keys rotate ES256\n  " + k.Name + " keys rotate --all",
		RunE: verbs.Do(func(cmd *cobra.Command, algs []string) error {
			if all == (len(algs) > 0) {
				return verbs.Usagef("want algorithms or --all")
			}
			return k.Open(cmd.Context(), func(ring *keys.Ring) error {
				return k.rotateEach(cmd.Context(), ring, algs, asJSON)
			})
		}),
	}
	cmd.Flags().BoolVar(&all, "all", false, "every algorithm that has a key")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// rotation is one rotation as --json prints it.
type rotation struct {
	Retired keyJSON `json:"retired"`
	Active  keyJSON `json:"active"`
}

// rotateEach rotates the algorithms, those of the ring when none is named.
func (k Keys) rotateEach(ctx context.Context, ring *keys.Ring, algs []string, asJSON bool) error {
	list, err := ring.List(ctx)
	if err != nil {
		return err
	}
	known := algorithms(list)
	if len(algs) == 0 {
		algs = known
	}
	for _, alg := range algs {
		if !slices.Contains(known, alg) {
			return fmt.Errorf("there is no active %s key; the ring has %v", verbs.Plain(alg), known)
		}
	}
	done := []rotation{}
	for _, alg := range algs {
		k.warn(list, alg)
		old, now, err := ring.Rotate(ctx, alg)
		if fault.Is(err, fault.NotFound) {
			return fmt.Errorf("there is no active %s key any more", alg)
		}
		if err != nil {
			return err
		}
		done = append(done, rotation{toJSON(old), toJSON(now)})
		if !asJSON {
			fmt.Fprintf(k.Out, "%s: %s signs, %s is retired\n", alg, now.KID, old.KID)
		}
	}
	if asJSON {
		return verbs.JSON(k.Out, done)
	}
	return nil
}

func algorithms(list []keys.Key) (algs []string) {
	for _, key := range list {
		if key.State == keys.Active && !slices.Contains(algs, key.Alg) {
			algs = append(algs, key.Alg)
		}
	}
	return algs
}

// warn tells when the key that is about to sign is news to clients: they keep what
// they read for a while.
func (k Keys) warn(list []keys.Key, alg string) {
	for _, key := range list {
		if key.Alg == alg && key.State == keys.Next && key.PublishedAt == nil {
			fmt.Fprintf(k.Err, "note: %s was never published by a running %s; clients that keep our keys may refuse its signatures until they read them again\n", key.KID, k.Name)
		}
	}
}
