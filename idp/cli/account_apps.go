package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tegata/idp/accounts"
	"tegata/idp/app"
	"tegata/shared/fault"
	"tegata/shared/verbs"
)

// connectedJSON is a client that somebody uses, as --json prints it.
type connectedJSON struct {
	ClientID string    `json:"client_id"`
	Scopes   []string  `json:"scopes"`
	FirstAt  time.Time `json:"first_at"`
	LastAt   time.Time `json:"last_at,omitzero"` // left out: allowed and never used
}

// onAccount runs do with the account of that name.
func (p program) onAccount(cmd *cobra.Command, name string, do func(*app.Services, accounts.Account) error) error {
	return p.Services(cmd.Context(), func(s *app.Services) error {
		a, err := find(cmd.Context(), s.Accounts, name)
		if fault.Is(err, fault.NotFound) {
			return fmt.Errorf("there is no account %s; see: idp account list", verbs.Plain(name))
		}
		if err != nil {
			return err
		}
		return do(s, a)
	})
}

func (p program) accountApps() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "apps ACCOUNT",
		Short:   "List the clients that somebody uses or has allowed something",
		Example: "  idp account apps ada@example.org",
		Args:    cobra.ExactArgs(1),
		RunE: verbs.Do(func(cmd *cobra.Command, args []string) error {
			return p.onAccount(cmd, args[0], func(s *app.Services, a accounts.Account) error {
				all, err := s.Connections.OfAccount(cmd.Context(), a.ID)
				if err != nil {
					return err
				}
				list, rows := []connectedJSON{}, [][]string{}
				for _, c := range all {
					list = append(list, connectedJSON(c))
					last := "never"
					if !c.LastAt.IsZero() {
						last = verbs.Time(&c.LastAt)
					}
					rows = append(rows, []string{c.ClientID, strings.Join(c.Scopes, " "), verbs.Time(&c.FirstAt), last})
				}
				if asJSON {
					return verbs.JSON(p.Out, list)
				}
				return verbs.Table(p.Out, []string{"CLIENT", "SCOPES", "FIRST", "LAST USED"}, rows)
			})
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p program) accountWithdraw() *cobra.Command {
	return &cobra.Command{
		Use:   "withdraw ACCOUNT CLIENT",
		Short: "Take back what somebody allowed a client",
		Long: "Take back what somebody allowed a client, as the person can at /profile/apps: consent, grants\n" +
			"and tokens end at once, and the client gets a back-channel logout for each session it knew.",
		Example: "  idp account withdraw ada@example.org shop",
		Args:    cobra.ExactArgs(2),
		RunE: verbs.Do(func(cmd *cobra.Command, args []string) error {
			return p.onAccount(cmd, args[0], func(s *app.Services, a accounts.Account) error {
				err := s.Connections.Withdraw(cmd.Context(), "cli", a.ID, args[1])
				if fault.Is(err, fault.NotFound) {
					return fmt.Errorf("%s uses no client %s; see: idp account apps %[1]s", verbs.Plain(args[0]), verbs.Plain(args[1]))
				}
				return err
			})
		}),
	}
}
