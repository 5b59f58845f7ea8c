package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tegata/shared/fault"
	"tegata/shared/verbs"
	"tegata/tracker/app"
	"tegata/tracker/candidates"
)

func (p program) candidate() *cobra.Command {
	group := &cobra.Command{
		Use:     "candidate",
		Aliases: []string{"account"},
		Short:   "List and show the people of the tracker",
		Args:    cobra.NoArgs,
	}
	group.AddCommand(p.candidateList(), p.candidateShow())
	return group
}

// candidateJSON is a candidate as --json prints it.
type candidateJSON struct {
	ID          string           `json:"id"`
	State       candidates.State `json:"state"`
	GivenName   string           `json:"given_name"`
	FamilyName  string           `json:"family_name"`
	Email       string           `json:"email"`
	Company     string           `json:"company"`
	Country     string           `json:"country"`
	CreatedAt   time.Time        `json:"created_at"`
	UpdatedAt   time.Time        `json:"updated_at"`
	LastLoginAt *time.Time       `json:"last_login_at"`
	ExternalIDs []externalIDJSON `json:"external_ids,omitempty"`
}

type externalIDJSON struct {
	System   candidates.System `json:"system"`
	Issuer   string            `json:"issuer,omitempty"`
	Value    string            `json:"value"`
	LinkedBy string            `json:"linked_by"`
	LinkedAt time.Time         `json:"linked_at"`
}

func toJSON(c candidates.Candidate, ids candidates.ExternalIDs) candidateJSON {
	out := candidateJSON{
		ID: c.ID, State: c.State, GivenName: c.GivenName, FamilyName: c.FamilyName, Email: c.Email, Company: c.Company,
		Country: c.Country, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, LastLoginAt: c.LastLoginAt,
	}
	for _, id := range ids {
		out.ExternalIDs = append(out.ExternalIDs, externalIDJSON{id.System, id.Issuer, id.Value, id.LinkedBy, id.LinkedAt})
	}
	return out
}

func (p program) candidateList() *cobra.Command {
	return verbs.List[candidates.Candidate]{
		Heads: []string{"NAME", "EMAIL", "COUNTRY", "STATE", "CREATED", "LAST LOG-IN", "ID"},
		Row: func(c candidates.Candidate) []string {
			return []string{c.Name(), c.Email, c.Country, string(c.State), verbs.Time(&c.CreatedAt), verbs.Time(c.LastLoginAt), c.ID}
		},
		JSON:   func(c candidates.Candidate) any { return toJSON(c, nil) },
		Number: 50, What: "candidate",
		Page: verbs.From(p.Services, func(s *app.Services) verbs.Page[candidates.Candidate] { return s.Candidates.List }),
	}.Command(p.Out, &cobra.Command{
		Use:     "list",
		Short:   "List candidates in the order in which they first came",
		Example: "  tracker candidate list -n 100\n  tracker candidate list --after ID --json    # the next page",
	})
}

func (p program) candidateShow() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "show CANDIDATE",
		Short:   "Show one candidate, named by id, CSCO ID, subject or another external ID",
		Example: "  tracker candidate show CSCO12345678",
		Args:    cobra.ExactArgs(1),
		RunE: verbs.Do(func(cmd *cobra.Command, args []string) error {
			return p.Services(cmd.Context(), func(s *app.Services) error {
				c, err := s.Candidates.Find(cmd.Context(), args[0])
				if fault.Is(err, fault.NotFound) {
					return fmt.Errorf("there is no candidate %s; see: tracker candidate list", verbs.Plain(args[0]))
				}
				if err != nil {
					return err
				}
				ids, err := s.Candidates.ExternalIDs(cmd.Context(), c.ID)
				if err != nil {
					return err
				}
				return p.showCandidate(c, ids, asJSON)
			})
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p program) showCandidate(c candidates.Candidate, ids candidates.ExternalIDs, asJSON bool) error {
	if asJSON {
		return verbs.JSON(p.Out, toJSON(c, ids))
	}
	facts := [][2]string{
		{"id", c.ID}, {"state", string(c.State)}, {"name", c.Name()}, {"email", c.Email}, {"company", c.Company},
		{"country", c.Country}, {"first booked", c.FirstBookedOn}, {"created", verbs.Time(&c.CreatedAt)},
		{"updated", verbs.Time(&c.UpdatedAt)}, {"last log-in", verbs.Time(c.LastLoginAt)},
	}
	for _, id := range ids {
		value := id.Value
		if id.Issuer != "" {
			value += " at " + id.Issuer
		}
		facts = append(facts, [2]string{string(id.System), value + " (" + id.LinkedBy + ", " + verbs.Time(&id.LinkedAt) + ")"})
	}
	return verbs.Facts(p.Out, facts...)
}
