package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tegata/idp/app"
	"tegata/idp/clients"
	"tegata/shared/verbs"
)

func (p program) clientRotate() *cobra.Command {
	var (
		keep           verbs.Length
		endOld, asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "rotate-secret CLIENT",
		Short: "Give a client a new secret; the old one can work on for a while",
		Long: "Give a client a new secret; the old one ends at once, or works on with --keep-old. At most two\n" +
			"secrets work: while an older one does that was kept, this is refused without --end-older, since\n" +
			"whoever uses that one would fail at once. --end-older without --keep-old ends both.",
		Example: "  idp client rotate-secret shop --keep-old 24h",
		Args:    cobra.ExactArgs(1),
		RunE: verbs.Do(func(cmd *cobra.Command, args []string) error {
			if keep.Duration > 90*24*time.Hour {
				return verbs.Usagef("--keep-old %s: want up to 90d", &keep)
			}
			return p.onClient(cmd.Context(), args[0], func(s *app.Services, c clients.Client) error {
				if err := mayRotate(c, endOld, s.Clock()); err != nil {
					return err
				}
				next, until := c, time.Time{}
				if keep.Duration > 0 {
					until = s.Clock().Add(keep.Duration)
				}
				text := next.NewSecret(until)
				if err := editor(s).Update(cmd.Context(), c, next, "client.secret_rotated"); err != nil {
					return explain(err, c)
				}
				return p.showSecret(secretJSON{clientJSON{next, next.Source, next.Disabled}, text, next.OldSecretUntil}, asJSON)
			})
		}),
	}
	cmd.Flags().Var(&keep, "keep-old", "how long the newest secret so far works too, like 24h or 7d")
	cmd.Flags().BoolVar(&endOld, "end-older", false, "the secret before the newest ends now, although it was kept; without --keep-old the newest ends too")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// mayRotate refuses to end a secret that was promised to work on, unless that is wanted.
func mayRotate(c clients.Client, endOld bool, now time.Time) error {
	if !c.HasSecret() {
		return fmt.Errorf("%s has no secret: it authenticates by %s", c.ID, c.AuthMethod)
	}
	until, two := c.TwoSecrets(now)
	if !two || endOld || c.Source == clients.SourceConfig {
		return nil // a client of the file is refused for that
	}
	lasts := "without an end"
	if !until.IsZero() {
		lasts = "until " + verbs.Time(&until)
	}
	return fmt.Errorf("two secrets of %s work, the older one %s; a new one would end it at once.\n"+
		"Wait until then, or say --end-older with --keep-old 24h when nobody uses it any more;\n"+
		"without --keep-old the newest one ends at once as well", c.ID, lasts)
}
