package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tegata/idp/app"
	"tegata/idp/clients"
	"tegata/idp/oidc/trial"
	"tegata/shared/audit"
	"tegata/shared/verbs"
)

// findingJSON is one result of `client test`.
type findingJSON struct {
	OK   bool   `json:"ok"`
	What string `json:"what"`
	Text string `json:"text"`
}

func (p program) clientTest() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "test CLIENT",
		Short: "Check a registration and tell what a log-in would do",
		Long: "Checks every member, fetches jwks_uri and sector_identifier_uri, and tells what a log-in or a token\n" +
			"request of this client would look like. WRONG is what would fail: keys that cannot do what they are\n" +
			"needed for, a way to authenticate that is switched off, names of clients that do not exist.\n" +
			"Nothing is sent to the client but the requests for these two files.",
		Args: cobra.ExactArgs(1),
		RunE: verbs.Do(func(cmd *cobra.Command, args []string) error {
			return p.onClient(cmd.Context(), args[0], func(s *app.Services, c clients.Client) error {
				all, err := resources(cmd.Context(), s)
				if err != nil {
					return err
				}
				ids, err := s.Clients.IDs(cmd.Context())
				if err != nil {
					return err
				}
				ours := trial.Provider{Issuer: s.Config.Issuer(), Setting: s.Config.Setting(), Resources: all, Clients: ids, Now: s.Clock()}
				return p.showFindings(ours.Try(cmd.Context(), c), asJSON)
			})
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p program) showFindings(all []trial.Finding, asJSON bool) error {
	failed := 0
	list := make([]findingJSON, len(all))
	rows := make([][]string, len(all))
	for i, f := range all {
		list[i] = findingJSON(f)
		mark := "ok"
		if !f.OK {
			mark = "WRONG"
			failed++
		}
		rows[i] = []string{mark, f.What, f.Text}
	}
	err := error(nil)
	if asJSON {
		err = verbs.JSON(p.Out, list)
	} else {
		err = verbs.Table(p.Out, []string{"", "WHAT", "RESULT"}, rows)
	}
	if err == nil && failed > 0 {
		err = verbs.Answered(fmt.Errorf("%d of %d checks failed", failed, len(all)))
	}
	return err
}

// requestJSON is one request of a client as --json prints it.
type requestJSON struct {
	At       time.Time         `json:"at"`
	Endpoint string            `json:"endpoint"`
	Outcome  string            `json:"outcome"`
	Reason   string            `json:"reason,omitempty"`
	Details  map[string]string `json:"details,omitempty"`
	Text     string            `json:"text,omitempty"`
}

func (p program) clientDoctor() *cobra.Command {
	var asJSON, link bool
	cmd := &cobra.Command{
		Use:   "doctor CLIENT",
		Short: "Show the last requests of a client, with the reason of each refusal",
		Long: "Shows the last 50 requests of a client, the newest first. Nothing in it is secret or about a person.\n" +
			"CLOCK is how many seconds the client's clock is ahead, measured by its DPoP proofs or its assertions.\n" +
			"An address that differs is shown as a change: [-expected-]{+came+}.\n" +
			"With --link, prints a link to the same as a page, for the client's developer; it is good for an hour.",
		Example: "  idp client doctor shop\n  idp client doctor shop --link",
		Args:    cobra.ExactArgs(1),
		RunE: verbs.Do(func(cmd *cobra.Command, args []string) error {
			return p.onClient(cmd.Context(), args[0], func(s *app.Services, c clients.Client) error {
				if link {
					return p.showLink(cmd.Context(), s, c, asJSON)
				}
				all, err := s.Diary.Last(cmd.Context(), c.ID)
				if err != nil {
					return err
				}
				return p.showRequests(s, all, asJSON)
			})
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&link, "link", false, "print a link to share instead")
	return cmd
}

// linkJSON is a link to share as --json prints it.
type linkJSON struct {
	URL       string    `json:"url"`
	ExpiresAt time.Time `json:"expires_at"`
}

// showLink prints a link to the page of the client's developer. Who made one is in the
// audit log: whoever has the link sees the page.
func (p program) showLink(ctx context.Context, s *app.Services, c clients.Client, asJSON bool) error {
	var token string
	now := s.Clock()
	err := s.DB.Tx(ctx, func(ctx context.Context) (err error) {
		if token, err = clients.ShareLink(ctx, s.Once, c.ID, now); err != nil {
			return err
		}
		return s.Audit.Record(ctx, audit.Event{Action: "client.doctor_shared", Actor: "cli", Client: c.ID})
	})
	if err != nil {
		return err
	}
	link := linkJSON{s.Config.Issuer() + "/doctor?token=" + token, now.Add(clients.ShareLives)}
	if asJSON {
		return verbs.JSON(p.Out, link)
	}
	_, err = fmt.Fprintln(p.Out, link.URL)
	return err
}

func (p program) showRequests(s *app.Services, all []clients.Request, asJSON bool) error {
	list := make([]requestJSON, len(all))
	rows := make([][]string, len(all))
	reasons := make([][]string, len(all))
	for i, r := range all {
		text := r.Told(s.Catalog, "en")
		list[i] = requestJSON{r.At, r.Endpoint, r.Outcome, string(r.Reason), r.Details, text}
		reasons[i] = verbs.Wrap(text, verbs.Below)
		if given, expected, ok := r.Compared(); ok {
			reasons[i] = append(reasons[i], difference(given, expected)) // whole, to be copied
		}
		rows[i] = []string{verbs.Time(&r.At), r.Endpoint, r.Outcome, r.Clock()}
	}
	if asJSON {
		return verbs.JSON(p.Out, list)
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(p.Out, "There are no requests yet.")
		return err
	}
	return verbs.Annotated(p.Out, []string{"AT", "ENDPOINT", "OUTCOME", "CLOCK"}, rows, reasons)
}

// difference shows an address that came as a change of the one that was expected, the
// way wdiff does.
func difference(given, expected string) string {
	if expected == "" {
		return given + " (no address is registered)"
	}
	start, expect, came, end := clients.Diff(given, expected)
	if expect != "" {
		expect = "[-" + expect + "-]"
	}
	if came != "" {
		came = "{+" + came + "+}"
	}
	return start + expect + came + end
}
