package cli

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"tegata/idp/app"
	dynamic "tegata/idp/oidc/registration"
	"tegata/shared/audit"
	"tegata/shared/verbs"
)

// invitationJSON is an initial access token as --json prints it, once.
type invitationJSON struct {
	Token     string    `json:"initial_access_token"`
	ID        string    `json:"id"`
	Note      string    `json:"note"`
	Uses      int       `json:"uses"`
	ExpiresAt time.Time `json:"expires_at"`
}

func (p program) clientInvite() *cobra.Command {
	var (
		uses   = verbs.Number(1)
		lives  = verbs.Length{Duration: 7 * 24 * time.Hour}
		note   string
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "invite",
		Short: "Make an initial access token with which somebody can register clients",
		Long: "Make an initial access token (RFC 7591, section 3). Whoever has it can register clients at\n" +
			"/oauth2/register while registration.mode is invited or open. It is shown once;\n" +
			"idp client invitations lists what there is, and idp client revoke-invitation ends one.",
		Example: "  idp client invite --note \"conformance run\" --uses 100 --for 1d",
		Args:    cobra.NoArgs,
		RunE: verbs.Do(func(cmd *cobra.Command, _ []string) error {
			if lives.Duration <= 0 || lives.Duration > 366*24*time.Hour {
				return verbs.Usagef("--for %s: want a time such as 7d, at most a year", &lives)
			}
			if uses < 1 || uses > 100_000 {
				return verbs.Usagef("--uses %d: want 1 to 100000", int(uses))
			}
			return p.Services(cmd.Context(), func(s *app.Services) error {
				one, token, err := s.Clients.Invite(cmd.Context(), note, int(uses), lives.Duration)
				if err != nil {
					return err
				}
				err = s.Audit.Record(cmd.Context(), audit.Event{
					Action: "client.invited", Actor: "cli",
					Details: map[string]string{"invitation": one.ID, "note": note, "uses": strconv.Itoa(int(uses))},
				})
				if err != nil {
					return err
				}
				p.noteOfMode(s.Config.Registration.Mode)
				if asJSON {
					return verbs.JSON(p.Out, invitationJSON{token, one.ID, one.Note, one.UsesLeft, one.ExpiresAt})
				}
				return verbs.Facts(p.Out, [2]string{"initial access token", token}, [2]string{"id", one.ID}, [2]string{"uses", fmt.Sprint(one.UsesLeft)},
					[2]string{"expires", verbs.Time(&one.ExpiresAt)})
			})
		}),
	}
	flags := cmd.Flags()
	flags.Var(&uses, "uses", "how many clients can be registered with it")
	flags.Var(&lives, "for", "how long it is good for")
	flags.StringVar(&note, "note", "", "for whom it is; kept with it")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// noteOfMode says when nobody can use what was made: it may be meant for later.
func (p program) noteOfMode(mode string) {
	if mode == dynamic.Closed {
		fmt.Fprintf(p.Err, "Note: registration.mode is %s: nobody can register with it until that is %s or %s.\n", dynamic.Closed, dynamic.Invited, dynamic.Open)
	}
}
