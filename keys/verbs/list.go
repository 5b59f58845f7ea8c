package verbs

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"tegata/keys"
	"tegata/shared/verbs"
)

func (k Keys) list() *cobra.Command {
	var f flags
	var nodes bool
	cmd := k.verb(&cobra.Command{
		Use:   "list",
		Short: "List the signing keys, without their private halves",
		Long: "List the signing keys, and where each private half is: sealed in the database, in the\n" +
			"device, or gone, since a key that retired or was revoked can never sign again.",
		Args: cobra.NoArgs,
	}, func(ctx context.Context, ring *keys.Ring, _ []string) error {
		if nodes {
			return k.listNodes(ctx, ring, f.json)
		}
		all, err := ring.List(ctx)
		if err != nil {
			return err
		}
		if err := show(k.Out, all, f.json); err != nil || f.json {
			return err
		}
		for _, key := range all {
			if key.State == keys.Retired && key.RetiredAt != nil && key.RetiredAt.After(ring.Clock()) {
				fmt.Fprintf(k.Out, "%s hands over: running programs follow within two seconds, one that stood still may sign with it until %s\n",
					key.KID, verbs.Time(key.RetiredAt))
			}
		}
		return nil
	})
	f.looks(cmd)
	cmd.Flags().BoolVar(&nodes, "nodes", false, "list the running programs instead, and what they sign with")
	return cmd
}

func show(w io.Writer, all []keys.Key, asJSON bool) error {
	if asJSON {
		return verbs.JSON(w, allJSON(all))
	}
	rows := make([][]string, len(all))
	for i, key := range all {
		rows[i] = []string{key.Alg, string(key.State), key.KID, privateHalf(key), verbs.Time(&key.StagedAt), verbs.Time(key.PublishedAt),
			verbs.Time(key.ActivatedAt), verbs.Time(key.RetiredAt), verbs.Time(key.PurgeAfter)}
	}
	return verbs.Table(w, []string{"ALG", "STATE", "KID", "PRIVATE HALF", "STAGED", "PUBLISHED", "ACTIVATED", "RETIRED", "PURGED AFTER"}, rows)
}

// privateHalf tells where it is. What is sealed of a key that ended is only a statement that
// it did; one in the device is there until the device has deleted it.
func privateHalf(key keys.Key) string {
	switch {
	case key.Device != "":
		return "device"
	case ended(key):
		return "gone"
	}
	return "sealed"
}

func (k Keys) listNodes(ctx context.Context, ring *keys.Ring, asJSON bool) error {
	nodes, err := ring.Nodes(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return verbs.JSON(k.Out, append([]keys.Node{}, nodes...))
	}
	rows := make([][]string, len(nodes))
	for i, n := range nodes {
		rows[i] = []string{n.Host, verbs.Time(&n.SeenAt), list(shortened(n.Signs)), list(n.Holds)}
	}
	return verbs.Table(k.Out, []string{"RUNNING", "SEEN", "SIGNS WITH", "KEY-ENCRYPTION KEYS"}, rows)
}

// shortened gives what the verbs take for a kid: a few letters, for tables.
func shortened(kids []string) []string {
	short := make([]string, len(kids))
	for i, kid := range kids {
		short[i] = kid[:min(len(kid), 8)]
	}
	return short
}
