package verbs

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tegata/shared/config"
)

func (p *Program[C, S]) config() *cobra.Command {
	group := &cobra.Command{Use: "config", Short: "Check or show the configuration"}
	group.AddCommand(
		&cobra.Command{
			Use:   "check",
			Short: "List every mistake of the configuration, file and environment",
			Long:  "List every mistake of the configuration, file and environment, with key and line.\nNothing is started or changed. The exit code is 2 when there are mistakes.",
			Args:  cobra.NoArgs,
			RunE: Do(func(cmd *cobra.Command, _ []string) error {
				if err := p.check(cmd.Context()); err != nil {
					return err
				}
				_, err := fmt.Fprintf(p.Out, "%s: no mistakes\n", p.path)
				return err
			}),
		},
		&cobra.Command{
			Use:   "show",
			Short: "Print the configuration in force, without secrets",
			Long:  "Print the configuration in force: defaults, file and environment together.\nSecrets are left out.",
			Args:  cobra.NoArgs,
			RunE: Do(func(cmd *cobra.Command, _ []string) error {
				c, err := p.Config()
				if err != nil {
					return err
				}
				return config.Show(p.Out, c)
			}),
		})
	return group
}

// check finds the mistakes of the configuration and what a look at the database finds, in one
// list: who has mended the ones must not be told the others only then.
func (p *Program[C, S]) check(ctx context.Context) error {
	c, err := p.Config()
	all := &config.Mistakes{File: p.path}
	if err != nil && !errors.As(err, &all) {
		return err
	}
	if p.Check != nil {
		all.Add(p.Check(ctx, c))
	}
	if len(all.Problems) == 0 {
		return nil
	}
	return all
}
