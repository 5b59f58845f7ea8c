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
	group.AddCommand(p.configCheck(),
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
	return RefusesInJSON(group)
}

func (p *Program[C, S]) configCheck() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "List every mistake of the configuration, file and environment",
		Long:  "List every mistake of the configuration, file and environment, with key and line.\nNothing is started or changed. The exit code is 2 when there are mistakes.",
		Args:  cobra.NoArgs,
		RunE: Do(func(cmd *cobra.Command, _ []string) error {
			found, err := p.check(cmd.Context())
			switch {
			case err != nil:
				return err
			case asJSON:
				err = JSON(p.Out, mistakesOf(found))
			case len(found.Problems) == 0:
				_, err = fmt.Fprintf(p.Out, "%s: no mistakes\n", p.path)
			}
			if err != nil || len(found.Problems) == 0 {
				return err
			}
			return Answered(found)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// checkedJSON is what config check --json prints.
type checkedJSON struct {
	File     string        `json:"file"`
	Mistakes []mistakeJSON `json:"mistakes"`
}

type mistakeJSON struct {
	File     string `json:"file,omitempty"` // where it is another one
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	Variable string `json:"variable,omitempty"` // of the environment
	Path     string `json:"path"`
	Message  string `json:"message"`
}

func mistakesOf(found *config.Mistakes) checkedJSON {
	all := make([]mistakeJSON, len(found.Problems))
	for i, one := range found.Problems {
		all[i] = mistakeJSON{one.File, one.Line, one.Column, one.Variable, one.Path, one.Message}
	}
	return checkedJSON{found.File, all}
}

// check finds the mistakes of the configuration and what a look at the database finds, in one
// list: who has mended the ones must not be told the others only then. The list may be empty.
func (p *Program[C, S]) check(ctx context.Context) (*config.Mistakes, error) {
	c, err := p.Config()
	all := &config.Mistakes{File: p.path}
	if err != nil && !errors.As(err, &all) {
		return nil, err
	}
	if p.Check != nil {
		all.Add(p.Check(ctx, c))
	}
	return all, nil
}
