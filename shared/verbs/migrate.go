package verbs

import (
	"context"
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
			c, err := p.Config()
			if err != nil {
				return err
			}
			d, err := db.Open(cmd.Context(), p.Shared(c).Database.URL.Reveal())
			if err != nil {
				return fmt.Errorf("database.url: %w", err)
			}
			defer d.Close()
			if look {
				return p.pending(cmd.Context(), d)
			}
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

func (p *Program[C, S]) pending(ctx context.Context, d *db.DB) error {
	n, err := d.Pending(ctx, p.Schema)
	if err != nil { // no table of migrations
		all, err := db.Migrations(p.Schema)
		if err != nil {
			return err
		}
		n = len(all)
	}
	_, err = fmt.Fprintf(p.Out, "%d pending\n", n)
	return err
}
