package verbs

import (
	"context"
	"slices"
	"strings"

	"tegata/keys"
	"tegata/shared/verbs"
)

// knowsVouched refuses --vouch for somebody who takes none of the algorithms: a slip in a
// name would vouch for nobody and look as if it had.
func knowsVouched(ctx context.Context, ring *keys.Ring, vouched, algs []string) error {
	if len(vouched) == 0 {
		return nil
	}
	var known []string
	for _, alg := range algs {
		if ring.Readers == nil || alg == keys.Push {
			continue
		}
		readers, err := ring.Readers(ctx, alg)
		if err != nil {
			return err
		}
		for _, one := range readers {
			if !slices.Contains(known, one.ID) {
				known = append(known, one.ID)
			}
		}
	}
	for _, one := range vouched {
		if slices.Contains(known, one) {
			continue
		}
		slices.Sort(known)
		who := "nobody does"
		if len(known) > 0 {
			who = "these do: " + strings.Join(known[:min(len(known), 20)], ", ")
		}
		return verbs.Usagef("--vouch %s: there is no such client that takes %s; %s", verbs.Plain(one), strings.Join(algs, ", "), verbs.Plain(who))
	}
	return nil
}
