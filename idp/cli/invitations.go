package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tegata/idp/app"
	"tegata/idp/clients"
	"tegata/shared/fault"
	"tegata/shared/verbs"
)

// invitedJSON is an initial access token as it is listed: its secret was shown once.
type invitedJSON struct {
	ID         string    `json:"id"`
	Note       string    `json:"note"`
	UsesLeft   int       `json:"uses_left"`
	Registered int       `json:"registered"` // clients that came by it and are still there
	CreatedAt  time.Time `json:"created_at"`
	ExpiresAt  time.Time `json:"expires_at"`
	Open       bool      `json:"open"` // somebody can still register with it
}

// revokedJSON is what a revocation did, or would do.
type revokedJSON struct {
	ID        string   `json:"id"`
	DryRun    bool     `json:"dry_run"`
	UsesLeft  int      `json:"uses_left"`  // that were taken away
	ClientIDs []string `json:"client_ids"` // that came by it, and stay
}

func (p program) clientInvitations() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "invitations",
		Short: "List the initial access tokens, without their secrets",
		Long: "List the initial access tokens that idp client invite made, the newest first, without their secrets.\n" +
			"Those that have expired or were revoked are swept away after a while; idp audit tail knows of them.",
		Args: cobra.NoArgs,
		RunE: verbs.Do(func(cmd *cobra.Command, _ []string) error {
			return p.Services(cmd.Context(), func(s *app.Services) error {
				all, err := s.Clients.Invitations(cmd.Context())
				if err != nil {
					return err
				}
				return invitationList(s.Clock()).Show(p.Out, all, asJSON)
			})
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func invitationList(now time.Time) verbs.List[clients.Invitation] {
	return verbs.List[clients.Invitation]{
		Heads: []string{"ID", "USES LEFT", "CLIENTS", "UNTIL"},
		Row: func(i clients.Invitation) []string {
			until := "over"
			if i.Open(now) {
				until = verbs.Time(&i.ExpiresAt)
			}
			return []string{i.ID, strconv.Itoa(i.UsesLeft), strconv.Itoa(i.Registered), until}
		},
		Below: func(i clients.Invitation) []string { return verbs.Wrap(i.Note, verbs.Below) },
		JSON: func(i clients.Invitation) any {
			return invitedJSON{i.ID, i.Note, i.UsesLeft, i.Registered, i.CreatedAt, i.ExpiresAt, i.Open(now)}
		},
	}
}

func (p program) clientRevokeInvitation() *cobra.Command {
	var dry, asJSON bool
	cmd := &cobra.Command{
		Use:   "revoke-invitation INVITATION",
		Short: "End an initial access token; nobody registers with it any more",
		Long: "End an initial access token by its id: nobody registers a client with it any more. The clients that\n" +
			"came by it are named and stay; idp client disable switches them off. Of a whole token, such as\n" +
			"one that has leaked, only the id in front of the dot is used.",
		Example: "  idp client invitations\n  idp client revoke-invitation 01a200ba-868b-7f22-8d7b-1a91c0d59d9d --dry-run",
		Args:    cobra.ExactArgs(1),
		RunE: verbs.Do(func(cmd *cobra.Command, args []string) error {
			return p.Services(cmd.Context(), func(s *app.Services) error {
				done, err := revokeInvitation(cmd.Context(), s, args[0], dry)
				if err != nil {
					return err
				}
				return p.showRevoked(done, asJSON)
			})
		}),
	}
	cmd.Flags().BoolVarP(&dry, "dry-run", "n", false, "say what would be done, and do nothing")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// revokeInvitation ends the invitation that the argument names. What it says on the way
// never has more of it than the id.
func revokeInvitation(ctx context.Context, s *app.Services, given string, dry bool) (revokedJSON, error) {
	id, _, _ := strings.Cut(given, ".")
	all, err := s.Clients.Invitations(ctx)
	if err != nil {
		return revokedJSON{}, err
	}
	at := slices.IndexFunc(all, func(one clients.Invitation) bool { return one.ID == id })
	if at < 0 {
		return revokedJSON{}, fmt.Errorf("there is no such initial access token; see: idp client invitations")
	}
	one := all[at]
	if one.Open(s.Clock()) && !dry {
		done, err := s.Clients.RevokeInvitation(ctx, s.Audit, "cli", one)
		if !fault.Is(err, fault.Conflict) {
			return revokedJSON{one.ID, false, done.UsesLeft, append([]string{}, done.Clients...)}, err
		}
		one.UsesLeft = 0 // somebody was faster
	}
	registered, err := s.Clients.RegisteredWith(ctx, one.ID)
	if err != nil {
		return revokedJSON{}, err
	}
	if !one.Open(s.Clock()) {
		return revokedJSON{}, overAlready(one.ID, registered)
	}
	return revokedJSON{one.ID, true, one.UsesLeft, append([]string{}, registered...)}, nil
}

// overAlready tells who came by an initial access token that nobody can use any more: the
// last use may have been made while it was about to be revoked.
func overAlready(id string, registered []string) error {
	text := "the initial access token " + id + " is over already: used up, expired or revoked"
	if len(registered) > 0 {
		text += "; by it came, and stay: " + strings.Join(registered, " ")
	}
	return errors.New(text)
}

func (p program) showRevoked(done revokedJSON, asJSON bool) error {
	if asJSON {
		return verbs.JSON(p.Out, done)
	}
	verb := "revoked"
	if done.DryRun {
		verb = "would be revoked"
	}
	return verbs.Facts(p.Out, [2]string{verb, done.ID}, [2]string{"uses left", strconv.Itoa(done.UsesLeft)},
		[2]string{"came by it, and stay", strings.Join(done.ClientIDs, " ")})
}
