package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tegata/idp/app"
	"tegata/idp/clients"
	"tegata/shared/fault"
	"tegata/shared/verbs"
)

func (p program) clientSwitch(use, short string, off bool) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   use + " CLIENT",
		Short: short,
		Args:  cobra.ExactArgs(1),
		RunE: verbs.Do(func(cmd *cobra.Command, args []string) error {
			return p.onClient(cmd.Context(), args[0], func(s *app.Services, c clients.Client) error {
				if err := mayEnable(s, c, off); err != nil {
					return err
				}
				err := editor(s).SetDisabled(cmd.Context(), c, off)
				already := fault.Is(err, fault.Conflict)
				if err != nil && !already {
					return err
				}
				if err := p.showSwitched(switchedJSON{c.ID, off, !already}, asJSON); err != nil {
					return err
				}
				return p.noteOfFile(c, off)
			})
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// switchedJSON is what --json prints of a client that was switched off or on.
type switchedJSON struct {
	ID       string `json:"client_id"`
	Disabled bool   `json:"disabled"`
	Changed  bool   `json:"changed"` // false: it was so already, and nothing was written
}

// showSwitched says something without --json only where nothing was done.
func (p program) showSwitched(now switchedJSON, asJSON bool) error {
	switch {
	case asJSON:
		return verbs.JSON(p.Out, now)
	case now.Changed:
		return nil
	}
	state := map[bool]string{true: "off", false: "on"}[now.Disabled]
	_, err := fmt.Fprintf(p.Err, "Note: %s is %s already; nothing was changed.\n", now.ID, state)
	return err
}

// deletedJSON is what --json prints of a client that was deleted.
type deletedJSON struct {
	ID      string `json:"client_id"`
	Deleted bool   `json:"deleted"`
}

// mayEnable refuses to bring a client back that left the file: it would work until the
// next start, and not after it.
func mayEnable(s *app.Services, c clients.Client, off bool) error {
	if off || c.Source != clients.SourceConfig {
		return nil
	}
	file, err := clients.ReadFile(s.Config.ClientsFile, s.Config.Development)
	if err != nil {
		return fmt.Errorf("clients_file: %w", err)
	}
	if !slices.ContainsFunc(file, func(one clients.Client) bool { return one.ID == c.ID }) {
		return fmt.Errorf("%s has left the file that clients_file names; put it back there and start idp, then enable it", c.ID)
	}
	return nil
}

// noteOfFile says what a switch means for a client of the file.
func (p program) noteOfFile(c clients.Client, off bool) error {
	if c.Source != clients.SourceConfig {
		return nil
	}
	note := "%s stays off whatever the file that clients_file names says, until: idp client enable %[1]s\n"
	if !off {
		note = "%s works as long as the file that clients_file names has it.\n"
	}
	_, err := fmt.Fprintf(p.Err, "Note: "+note, c.ID)
	return err
}

func (p program) clientDelete() *cobra.Command {
	var yes, asJSON bool
	cmd := &cobra.Command{
		Use:     "delete CLIENT",
		Short:   "Forget a client with its grants, tokens and what people allowed it",
		Example: "  idp client delete shop --yes",
		Args:    cobra.ExactArgs(1),
		RunE: verbs.Do(func(cmd *cobra.Command, args []string) error {
			if !yes {
				return verbs.Usagef("this cannot be undone; say --yes, or use: idp client disable %s", strings.ReplaceAll(verbs.Plain(args[0]), " ", "?"))
			}
			return p.onClient(cmd.Context(), args[0], func(s *app.Services, c clients.Client) error {
				err := explain(editor(s).Delete(cmd.Context(), c), c)
				if err != nil || !asJSON {
					return err
				}
				return verbs.JSON(p.Out, deletedJSON{c.ID, true})
			})
		}),
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "really")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
