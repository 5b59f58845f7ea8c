package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"tegata/idp/app"
	"tegata/idp/clients"
	"tegata/shared/fault"
	"tegata/shared/verbs"
)

func (p program) client() *cobra.Command {
	group := &cobra.Command{
		Use:   "client",
		Short: "Register, change, test and see the clients",
		Long: "Clients are registered in the file that clients_file names, which is read when idp starts, or here.\n" +
			"What is registered here lies in the database; a running idp goes by it within two seconds.",
		Args: cobra.NoArgs,
	}
	group.AddCommand(p.clientList(), p.clientShow(), p.clientCreate(), p.clientUpdate(), p.clientRotate(),
		p.clientSwitch("disable", "Switch a client off; its tokens do not work meanwhile", true),
		p.clientSwitch("enable", "Switch a client on again", false),
		p.clientDelete(), p.clientInvite(), p.clientInvitations(), p.clientRevokeInvitation(), p.clientTest(), p.clientDoctor())
	return verbs.RefusesInJSON(group)
}

// clientJSON is a client as it is printed: the members of RFC 7591, and what we know.
type clientJSON struct {
	clients.Client
	Source   string `json:"source"`
	Disabled bool   `json:"disabled"`
}

// shownJSON is a client with how it came to us, where it registered itself.
type shownJSON struct {
	clientJSON
	Registration *registeredJSON `json:"registration,omitempty"`
}

type registeredJSON struct {
	Place        string     `json:"place"`
	InvitationID string     `json:"invitation,omitempty"`
	CreatedAt    time.Time  `json:"registered_at"`
	UsedAt       *time.Time `json:"first_used_at"`          // null: never
	ForgottenAt  *time.Time `json:"forgotten_at,omitempty"` // at the earliest, unless it gets tokens or is changed
}

// registered tells how a client came to us by itself; nil when it did not.
func registered(ctx context.Context, s *app.Services, c clients.Client) (*registeredJSON, error) {
	about, err := s.Clients.Registered(ctx, c.ID)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	shown := &registeredJSON{Place: about.Place, InvitationID: about.InvitationID, CreatedAt: about.CreatedAt, UsedAt: about.UsedAt}
	if unused := time.Duration(s.Config.Registration.ForgetUnused); about.UsedAt == nil && unused > 0 {
		at := about.CreatedAt.Add(unused)
		shown.ForgottenAt = &at
	}
	return shown, err
}

func (p program) clientList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the clients, disabled ones too",
		Args:  cobra.NoArgs,
		RunE: verbs.Do(func(cmd *cobra.Command, _ []string) error {
			return p.Services(cmd.Context(), func(s *app.Services) error {
				all, err := s.Clients.List(cmd.Context())
				if err != nil {
					return err
				}
				return listed.Show(p.Out, all, asJSON)
			})
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

var listed = verbs.List[clients.Client]{
	// What can be long stands last or is left out (client show has it): 80 columns are enough.
	Heads: []string{"ID", "AUTHENTICATION", "ID TOKEN", "STATE", "SOURCE", "NAME"},
	Row: func(c clients.Client) []string {
		state := "enabled"
		if c.Disabled {
			state = "disabled"
		}
		return []string{c.ID, string(c.AuthMethod), c.IDTokenAlg, state, c.Source, c.NameIn("en")}
	},
	JSON: func(c clients.Client) any { return clientJSON{c, c.Source, c.Disabled} },
}

func (p program) clientShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show CLIENT",
		Short:   "Show one client as JSON; of secrets there are only digests",
		Example: "  idp client show tegata-tracker",
		Args:    cobra.ExactArgs(1),
		RunE: verbs.Do(func(cmd *cobra.Command, args []string) error {
			return p.onClient(cmd.Context(), args[0], func(s *app.Services, c clients.Client) error {
				how, err := registered(cmd.Context(), s, c)
				if err != nil {
					return err
				}
				return verbs.JSON(p.Out, shownJSON{clientJSON{c, c.Source, c.Disabled}, how})
			})
		}),
	}
	cmd.Flags().Bool("json", false, "makes no difference: it is JSON anyway")
	return cmd
}
