package verbs

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tegata/keys"
	"tegata/shared/verbs"
)

func (k Keys) revoke() *cobra.Command {
	var f flags
	var yes bool
	var q keys.Revocation
	cmd := k.verb(&cobra.Command{
		Use:   "revoke KID | --all",
		Short: "A key is compromised: replace it at once and end what depends on it",
		Long: "A key is compromised: take it out of the key set at once, so that nothing it signed is\n" +
			"believed any more, replace it, end the sessions and grants that can hold its tokens, and\n" +
			"print what was ended for each client. What depends on the key is shown first, and the kid\n" +
			"has to be typed (or --yes). With --all every key goes, because the key-encryption key got\n" +
			"out; change that one too: keys rewrap.\n\n" +
			"It may be run again after it broke off.",
		Example: "  " + k.Name + " keys revoke --dry-run oBTh5S\n  " + k.Name + " keys revoke oBTh5S --why \"laptop stolen\"",
	}, func(ctx context.Context, ring *keys.Ring, args []string) error {
		word, damage, err := k.blast(ctx, ring, args, f)
		if err != nil {
			return err
		}
		if f.dry {
			return nil
		}
		if !yes {
			if err := k.confirm(word, "This cannot be undone: "+damage.String()+"."); err != nil {
				return err
			}
		}
		if !q.All {
			q.KID = word
		}
		done, err := ring.Revoke(ctx, q)
		if err != nil {
			return err
		}
		return k.receipt(done, f)
	})
	takesKID(cmd, func(_ *cobra.Command, args []string) error {
		if len(args) > 1 || q.All == (len(args) == 1) {
			return verbs.Usagef("want a kid or --all")
		}
		return nil
	})
	f.on(cmd)
	cmd.Flags().BoolVar(&q.All, "all", false, "every key of the ring")
	cmd.Flags().BoolVar(&q.KeepAll, "keep-sessions", false, "end no sessions and grants; the receipt names who believes the key")
	cmd.Flags().StringVar(&q.Why, "why", "", "a reason for the audit log")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

// blast shows what depends on a key, and gives the word that has to be typed.
func (k Keys) blast(ctx context.Context, ring *keys.Ring, args []string, f flags) (word string, sum keys.Damage, err error) {
	targets := []keys.Key{}
	if len(args) == 1 {
		one, err := ring.Find(ctx, args[0])
		if err != nil {
			return "", sum, err
		}
		targets, word = append(targets, one), one.KID
	} else if word = "revoke-all"; true {
		all, err := ring.List(ctx)
		if err != nil {
			return "", sum, err
		}
		for _, key := range all {
			if key.State != keys.Revoked {
				targets = append(targets, key)
			}
		}
	}
	if sum, err = damageOf(ctx, ring, targets); err != nil {
		return "", sum, err
	}
	if f.json && f.dry {
		return word, sum, verbs.JSON(k.Out, struct {
			Keys   []keyJSON   `json:"keys"`
			Damage keys.Damage `json:"damage"`
			DryRun bool        `json:"dry_run"`
		}{allJSON(targets), sum, true})
	}
	w := k.Err
	if f.dry {
		w = k.Out
	}
	for _, key := range targets {
		fmt.Fprintf(w, "%s %s %s\n", key.Alg, key.State, key.KID)
	}
	if slices.ContainsFunc(targets, func(key keys.Key) bool { return key.Alg == keys.Push && key.State == keys.Active }) {
		fmt.Fprintln(w, pushWarning)
	}
	fmt.Fprintf(w, "depends on it: %s\n", sum)
	if len(sum.Clients) == 0 {
		return word, sum, nil
	}
	rows := [][]string{}
	for _, c := range sum.Clients {
		rows = append(rows, []string{c.ID, c.Name, strconv.Itoa(c.Sessions), strconv.Itoa(c.Grants), strconv.Itoa(c.Queued), takes(c)})
	}
	return word, sum, verbs.Table(w, []string{"CLIENT", "NAME", "SESSIONS", "GRANTS", "LOG-OUTS", "TAKES"}, rows)
}

// takes tells why a client is on the list.
func takes(c keys.ClientDamage) string {
	if len(c.Takes) == 0 && c.Grants == 0 {
		return "nothing; shares a session"
	}
	return strings.Join(c.Takes, ", ")
}

// damageOf adds up what depends on the keys. The same sessions may depend on several of
// them: the largest number is the least that it can be.
func damageOf(ctx context.Context, ring *keys.Ring, targets []keys.Key) (sum keys.Damage, err error) {
	sum.Clients = []keys.ClientDamage{}
	at := map[string]int{}
	for _, key := range targets {
		damage, err := ring.Damage(ctx, key)
		if err != nil {
			return sum, err
		}
		sum.Sessions, sum.Grants = max(sum.Sessions, damage.Sessions), max(sum.Grants, damage.Grants)
		for _, c := range damage.Clients {
			i, known := at[c.ID]
			if !known {
				at[c.ID] = len(sum.Clients)
				sum.Clients = append(sum.Clients, c)
				continue
			}
			one := &sum.Clients[i]
			one.Sessions, one.Grants, one.Queued = max(one.Sessions, c.Sessions), max(one.Grants, c.Grants), max(one.Queued, c.Queued)
			for _, what := range c.Takes {
				if !slices.Contains(one.Takes, what) {
					one.Takes = append(one.Takes, what)
				}
			}
		}
	}
	return sum, nil
}

// receiptJSON is what --json prints of a revocation.
type receiptJSON struct {
	Revoked []keyJSON   `json:"revoked"`
	Active  []keyJSON   `json:"active"`
	Ended   keys.Damage `json:"ended"`
}

func toReceipt(done keys.RevokedKeys) receiptJSON {
	done.Ended.Clients = append([]keys.ClientDamage{}, done.Ended.Clients...)
	return receiptJSON{allJSON(done.Revoked), allJSON(done.Active), done.Ended}
}

// receipt prints what was done.
func (k Keys) receipt(done keys.RevokedKeys, f flags) error {
	if f.json {
		return verbs.JSON(k.Out, toReceipt(done))
	}
	fmt.Fprintf(k.Out, "revoked: %s\nsigns now: %s\nended: %s\n", kids(done.Revoked), kids(done.Active), done.Ended)
	return k.clients(done.Ended)
}

func (k Keys) clients(d keys.Damage) error {
	if len(d.Clients) == 0 {
		return nil
	}
	rows := [][]string{}
	for _, c := range d.Clients {
		rows = append(rows, []string{c.ID, c.Name, strconv.Itoa(c.Sessions), strconv.Itoa(c.Grants), strconv.Itoa(c.Queued), strings.Join(c.Takes, ", ")})
	}
	err := verbs.Table(k.Out, []string{"CLIENT", "NAME", "SESSIONS ENDED", "GRANTS ENDED", "LOG-OUTS QUEUED", "TAKES"}, rows)
	if slices.ContainsFunc(d.Clients, func(c keys.ClientDamage) bool { return c.Queued > 0 }) {
		fmt.Fprintf(k.Out, "A running %[1]s sends the log-outs, and tries again for those who do not take them; what came of each: %[1]s outbox list\n", k.Name)
	}
	return err
}
