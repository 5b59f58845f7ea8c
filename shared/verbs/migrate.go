package verbs

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tegata/shared/clock"
	"tegata/shared/db"
)

func (p *Program[C, S]) migrate() *cobra.Command {
	var look bool
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database up to this program",
		Long: "Apply the migrations that the database lacks, all or none. serve does the same when it\n" +
			"starts; of several that do it at once, one migrates and the others wait.",
		Example: "  " + p.Name + " migrate\n  " + p.Name + " migrate --pending    # only count what is missing",
		Args:    cobra.NoArgs,
		RunE: Do(func(cmd *cobra.Command, _ []string) error {
			read := p.Config // strictly: what does not start afterwards must not be migrated for
			if look {
				read = p.settings
			}
			c, err := read()
			if err != nil {
				return err
			}
			url := p.Shared(c).Database.URL.Reveal()
			if look {
				return p.pending(cmd.Context(), url)
			}
			d, err := db.Open(cmd.Context(), url)
			if err != nil {
				return p.unopened(err)
			}
			defer d.Close()
			applied, err := d.Migrate(cmd.Context(), p.Schema, clock.System())
			if err != nil {
				return err
			}
			for _, name := range applied {
				fmt.Fprintln(p.Out, "applied", name)
			}
			if len(applied) == 0 {
				fmt.Fprintln(p.Out, "nothing to do")
			}
			return nil
		}),
	}
	cmd.Flags().BoolVar(&look, "pending", false, "change nothing; count what is missing")
	return cmd
}

// pending counts the migrations that a database lacks: all of them where there is none.
func (p *Program[C, S]) pending(ctx context.Context, url string) error {
	all, err := db.Migrations(p.Schema)
	if err != nil {
		return err
	}
	n := len(all)
	d, err := db.OpenExisting(ctx, url)
	switch missing := new(db.Missing); {
	case err == nil:
		defer d.Close()
		if behind, err := d.Pending(ctx, p.Schema); err == nil { // else there is no table of migrations
			n = behind
		}
	case !errors.As(err, &missing):
		return p.unopened(err)
	}
	_, err = fmt.Fprintf(p.Out, "%d pending\n", n)
	return err
}
