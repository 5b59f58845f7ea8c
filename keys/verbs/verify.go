package verbs

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tegata/keys"
	"tegata/shared/verbs"
)

func (k Keys) verify() *cobra.Command {
	var f flags
	cmd := k.verb(&cobra.Command{
		Use:   "verify",
		Short: "Check that the ring is whole and that what is served and signed with is right",
		Long: "Check that every private half opens and belongs to its public half, that something\n" +
			"sealed says so of keys that ended, that states fit, that each algorithm has one key that\n" +
			"signs, that no running program signs with another, that the key set served is the\n" +
			"database's, and that no backup was restored. Exit code 1 when something is wrong. Whether running\n" +
			"programs reach a PKCS #11 device is not seen here: ask each for /readyz.",
		Args: cobra.NoArgs,
	}, func(ctx context.Context, ring *keys.Ring, _ []string) error {
		var served []byte
		var unserved error
		if k.Served != nil {
			served, unserved = k.Served(ctx)
		}
		all, err := ring.Verify(ctx, served)
		if err != nil {
			return err
		}
		wrong := 0
		for _, one := range all {
			if !one.OK {
				wrong++
			}
		}
		if f.json {
			if err := verbs.JSON(k.Out, all); err != nil {
				return err
			}
		} else {
			k.tellFindings(all)
		}
		if unserved != nil {
			fmt.Fprintf(k.Err, "note: the key set could not be fetched: %v\n", unserved)
		}
		switch wrong {
		case 0:
			return nil
		case 1:
			return verbs.Answered(errors.New("1 thing is wrong"))
		}
		return verbs.Answered(fmt.Errorf("%d things are wrong", wrong))
	})
	f.looks(cmd)
	return cmd
}

func (k Keys) tellFindings(all []keys.Finding) {
	for _, f := range all {
		word := "ok"
		switch {
		case !f.OK:
			word = "WRONG"
		case f.Note:
			word = "note"
		}
		if f.Key != "" {
			f.Text = f.Key + " " + f.Text
		}
		fmt.Fprintf(k.Out, "%s: %s\n", word, verbs.Plain(f.Text))
	}
}
