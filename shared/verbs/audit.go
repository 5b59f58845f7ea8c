package verbs

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tegata/shared/audit"
)

func (p *Program[C, S]) audit() *cobra.Command {
	group := &cobra.Command{
		Use:   "audit",
		Short: "Read, verify and export the audit log",
		Long:  "The audit log has one entry per event that matters to security, chained by hashes, so that\na changed, removed or moved entry shows.",
		Args:  cobra.NoArgs,
	}
	group.AddCommand(p.auditTail(), p.auditVerify(), p.auditExport())
	return RefusesInJSON(group)
}

func (p *Program[C, S]) auditTail() *cobra.Command {
	return List[audit.Event]{
		Heads: []string{"AT", "ACTION"},
		Row:   func(e audit.Event) []string { return []string{Time(&e.At), e.Action} },
		Below: aboutEvent,
		JSON: func(e audit.Event) any {
			return eventJSON{e.ID, e.At, e.Action, e.Actor, e.Subject, e.Client, e.Details, e.RequestID, e.Place, e.Agent}
		},
		Number: 20, What: "event",
		Page: From(p.tools, func(t Tools) Page[audit.Event] {
			return func(ctx context.Context, after string, n int) ([]audit.Event, error) {
				return t.Audit.Tail(ctx, n, after)
			}
		}),
	}.Command(p.Out, &cobra.Command{
		Use:   "tail",
		Short: "Show the newest events, oldest first",
		Long: "Show the newest events, oldest first: when and what, below it who, where and the details,\n" +
			"in lines for 80 columns. --json prints an array with one object for each, for programs.",
		Example: "  " + p.Name + " audit tail -n 50\n  " + p.Name + " audit tail --after ID --json    # go on where you stopped",
	})
}

// eventJSON is an event as --json prints it.
type eventJSON struct {
	ID        string            `json:"id"`
	At        time.Time         `json:"at"`
	Action    string            `json:"action"`
	Actor     string            `json:"actor"`
	Subject   string            `json:"subject"`
	Client    string            `json:"client"`
	Details   map[string]string `json:"details"`
	RequestID string            `json:"request_id"`
	Place     string            `json:"place"`
	Agent     string            `json:"agent"`
}

// aboutEvent is what stands below an event: who, where and which, then its details. A
// terminal of 80 columns shows all of it.
func aboutEvent(e audit.Event) []string {
	var who []string
	for _, one := range [][2]string{
		{"actor", e.Actor}, {"subject", e.Subject}, {"client", e.Client}, {"place", e.Place}, {"request", e.RequestID}, {"id", e.ID},
	} {
		if one[1] != "" {
			who = append(who, one[0]+"="+one[1])
		}
	}
	return append(Wrap(strings.Join(who, " "), Below), Wrap(detailText(e.Details), Below)...)
}

func detailText(details map[string]string) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(details)) {
		all = append(all, name+"="+details[name])
	}
	return strings.Join(all, " ")
}

// chainJSON is what --json prints of the chain.
type chainJSON struct {
	OK       bool        `json:"ok"`
	Sealed   int64       `json:"events"`     // in the chain
	Unsealed int         `json:"not_sealed"` // nothing vouches for them yet
	Head     string      `json:"head"`
	Breaks   []breakJSON `json:"breaks"`
}

type breakJSON struct {
	Place   int64  `json:"place"` // 0: the event has none
	Event   string `json:"event"`
	Problem string `json:"problem"`
}

// showChain prints what was found, and gives an error when the chain is broken.
func (p *Program[C, S]) showChain(found audit.Report, asJSON bool) error {
	if asJSON {
		breaks := []breakJSON{}
		for _, one := range found.Problems {
			breaks = append(breaks, breakJSON{one.Seq, one.EventID, one.What})
		}
		if err := JSON(p.Out, chainJSON{found.OK(), found.Sealed, found.Unsealed, found.Head, breaks}); err != nil {
			return err
		}
	} else {
		for _, problem := range found.Problems {
			fmt.Fprintln(p.Out, problem)
		}
		fmt.Fprintf(p.Out, "%d events in the chain, %d not yet\nhead %s\n", found.Sealed, found.Unsealed, found.Head)
	}
	if !found.OK() {
		return Answered(fmt.Errorf("the audit log was changed: %d breaks; compare with your last export", len(found.Problems)))
	}
	return nil
}

func (p *Program[C, S]) auditVerify() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Recompute the chain and tell every break",
		Long: "Recompute the chain and tell every break; the exit code is 1 when there is one. Keep the\n" +
			"printed head in another place: whoever can write to the database could build a whole new\n" +
			"chain, and then the head differs.",
		Args: cobra.NoArgs,
		RunE: Do(func(cmd *cobra.Command, _ []string) error {
			return p.tools(cmd.Context(), func(t Tools) error {
				if _, err := t.Audit.Seal(cmd.Context()); err != nil {
					return err
				}
				report, err := t.Audit.Verify(cmd.Context())
				if err != nil {
					return err
				}
				return p.showChain(report, asJSON)
			})
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p *Program[C, S]) auditExport() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:     "export",
		Short:   "Write the whole chain as JSON lines",
		Long:    "Write the whole chain as JSON lines with place and hash, so that it can be kept and checked\nelsewhere. A file is made with mode 0600 and is never overwritten.",
		Example: "  " + p.Name + " audit export --output audit-2026-11.jsonl",
		Args:    cobra.NoArgs,
		RunE: Do(func(cmd *cobra.Command, _ []string) error {
			return p.tools(cmd.Context(), func(t Tools) error {
				if _, err := t.Audit.Seal(cmd.Context()); err != nil {
					return err
				}
				if path == "" {
					return t.Audit.Export(cmd.Context(), p.Out)
				}
				f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
				if err != nil {
					return err
				}
				if err := t.Audit.Export(cmd.Context(), f); err != nil {
					f.Close()
					return err
				}
				return f.Close()
			})
		}),
	}
	cmd.Flags().StringVarP(&path, "output", "o", "", "file to make; standard output without it")
	return cmd
}
