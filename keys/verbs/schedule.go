package verbs

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tegata/keys"
	"tegata/shared/config"
	"tegata/shared/verbs"
)

func (k Keys) schedule() *cobra.Command {
	var f flags
	var off bool
	var every, before, patience verbs.Length
	cmd := &cobra.Command{
		Use:   "schedule",
		Short: "Show or set how running programs rotate the keys by themselves",
		Long: "Show the schedule, or set it: --every how long a key signs, --before how long before that\n" +
			"its successor is staged. Running programs keep it, one of them at a time. They ask for the\n" +
			"same evidence as keys promote does: while clients do not know the key they wait, and say\n" +
			"so in the log, for ever or for --patience. While no schedule is kept --every is needed.",
		Example: "  " + k.Name + " keys schedule --every 90d --before 7d --patience 14d\n  " + k.Name + " keys schedule --off",
		Args:    cobra.NoArgs,
	}
	k.verb(cmd, func(ctx context.Context, ring *keys.Ring, _ []string) error {
		p, err := ring.Plan(ctx)
		if err != nil {
			return err
		}
		sets := cmd.Flags().Changed("every") || cmd.Flags().Changed("before") || cmd.Flags().Changed("patience")
		switch {
		case off && sets:
			return verbs.Usagef("want --off or times, not both")
		case off:
			p = keys.Plan{}
		case sets && p.Every == 0 && !cmd.Flags().Changed("every"):
			return verbs.Usagef("no schedule is kept; say how long a key signs, too: --every 90d")
		case sets:
			if cmd.Flags().Changed("every") {
				p.Every = every.Duration
				p.Before = min(p.Every, 7*24*time.Hour)
			}
			if cmd.Flags().Changed("before") {
				p.Before = before.Duration
			}
			if cmd.Flags().Changed("patience") {
				p.Patience = patience.Duration
			}
		}
		if err := p.Check(); err != nil {
			return verbs.Usagef("%v", err)
		}
		if (off || sets) && !f.dry {
			if err := ring.SetPlan(ctx, p); err != nil {
				return err
			}
		}
		return k.showPlan(ctx, ring, p, f)
	})
	f.on(cmd)
	cmd.Flags().Var(&every, "every", "how long a key signs")
	cmd.Flags().Var(&before, "before", "how long before that the next key is staged (7d)")
	cmd.Flags().Var(&patience, "patience", "how long clients that are not ready are waited for; 0s: for ever")
	cmd.Flags().BoolVar(&off, "off", false, "rotate by hand only")
	return cmd
}

func (k Keys) showPlan(ctx context.Context, ring *keys.Ring, p keys.Plan, f flags) error {
	due, err := ring.Due(ctx, p)
	if err != nil {
		return err
	}
	text := func(d time.Duration) string { return config.Duration(d).String() }
	if f.json {
		return verbs.JSON(k.Out, struct {
			Every    string     `json:"every"`
			Before   string     `json:"before"`
			Patience string     `json:"patience"`
			Due      []keys.Due `json:"due"`
			DryRun   bool       `json:"dry_run"`
		}{text(p.Every), text(p.Before), text(p.Patience), append([]keys.Due{}, due...), f.dry})
	}
	if p.Every == 0 {
		fmt.Fprintln(k.Out, f.would("keys are rotated by hand"))
		return nil
	}
	wait := "for ever"
	if p.Patience > 0 {
		wait = text(p.Patience)
	}
	fmt.Fprintln(k.Out, f.would(fmt.Sprintf("a key signs for %s, its successor is staged %s before; clients are waited for %s", text(p.Every), text(p.Before), wait)))
	rows := make([][]string, len(due))
	for i, d := range due {
		staged := "is staged"
		if d.StageAt != nil {
			staged = verbs.Time(d.StageAt)
		}
		rows[i] = []string{d.Alg, staged, verbs.Time(&d.PromoteAt), d.Waits}
	}
	return verbs.Table(k.Out, []string{"ALG", "STAGE AT", "SIGNS FROM", "WAITS FOR"}, rows)
}
