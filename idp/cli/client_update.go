package cli

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"tegata/idp/app"
	"tegata/idp/clients"
	"tegata/shared/fault"
	"tegata/shared/verbs"
)

func (p program) clientUpdate() *cobra.Command {
	var (
		given  registration
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:     "update CLIENT",
		Short:   "Change members of a registration; what is not named stays",
		Example: "  idp client update shop --redirect-uri https://shop.example/callback --redirect-uri https://shop.example/cb2",
		Args:    cobra.ExactArgs(1),
		RunE: verbs.Do(func(cmd *cobra.Command, args []string) error {
			members, err := given.members(cmd.Flags(), p.In)
			if err != nil {
				return err
			}
			if len(members) == 0 {
				return verbs.Usagef("nothing to change")
			}
			if !same(members["client_id"], args[0]) {
				return verbs.Usagef("--file is about another client_id, and that cannot change")
			}
			for _, ours := range []string{"client_id", "source", "disabled", "registration"} {
				delete(members, ours) // what `client show` prints can be brought back
			}
			return p.onClient(cmd.Context(), args[0], func(s *app.Services, c clients.Client) error {
				next, text, err := amended(cmd.Context(), s, c, members)
				if err == nil {
					err = editor(s).Update(cmd.Context(), c, next, "client.updated")
				}
				if err != nil || text == "" && !asJSON {
					return given.wrongly(explain(err, c), cmd.Flags())
				}
				return p.showSecret(secretJSON{clientJSON: clientJSON{next, next.Source, next.Disabled}, Secret: text}, asJSON)
			})
		}),
	}
	given.add(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the client as JSON, with the secret if it got one")
	return cmd
}

// same tells whether a file that names a client, or none, may be about the client.
func same(named json.RawMessage, id string) bool {
	var text string
	return named == nil || json.Unmarshal(named, &text) == nil && text == id
}

// onClient runs do with a client of the database.
func (p program) onClient(ctx context.Context, id string, do func(*app.Services, clients.Client) error) error {
	return p.Services(ctx, func(s *app.Services) error {
		c, err := editor(s).Find(ctx, id)
		if fault.Is(err, fault.NotFound) {
			return fmt.Errorf("there is no client %s; see: idp client list", verbs.Plain(id))
		}
		if err != nil {
			return err
		}
		return do(s, c)
	})
}

// explain turns refusals into what to do next.
func explain(err error, c clients.Client) error {
	switch {
	case fault.Is(err, fault.Denied):
		return fmt.Errorf("%s is registered in the file that clients_file names; change it there and start idp again", c.ID)
	case fault.Is(err, fault.Conflict):
		return fmt.Errorf("somebody changed %s meanwhile; look at it and try again", c.ID)
	}
	return err
}
