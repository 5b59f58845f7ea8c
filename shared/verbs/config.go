package verbs

import (
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
				c, err := p.Config()
				if err != nil {
					return err
				}
				if p.Check != nil {
					if wrong := p.Check(cmd.Context(), c); len(wrong) > 0 {
						return &config.Mistakes{File: p.path, Problems: wrong}
					}
				}
				_, err = fmt.Fprintf(p.Out, "%s: no mistakes\n", p.path)
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
