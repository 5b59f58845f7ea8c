package verbs

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"tegata/shared/fault"
	"tegata/shared/outbox"
)

func (p *Program[C]) outbox() *cobra.Command {
	group := &cobra.Command{
		Use:   "outbox",
		Short: "See what was sent, what waits and what could not be sent",
		Args:  cobra.NoArgs,
	}
	group.AddCommand(p.outboxList(), p.outboxRetry())
	return group
}

func (p *Program[C]) outboxList() *cobra.Command {
	var (
		state  string
		n      int
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List messages, newest first, without what they say",
		Example: "  " + p.Name + " outbox list --state parked",
		Args:    cobra.NoArgs,
		RunE: Do(func(cmd *cobra.Command, _ []string) error {
			switch state {
			case "", outbox.Queued, outbox.Sending, outbox.Sent, outbox.Parked:
			default:
				return Usagef("--state %q: want queued, sending, sent or parked", state)
			}
			return p.tools(cmd.Context(), func(t Tools) error {
				rows, err := t.Outbox.List(cmd.Context(), state, n)
				if err != nil {
					return err
				}
				if asJSON {
					return JSON(p.Out, messagesJSON(rows))
				}
				return messagesTable(p.Out, rows)
			})
		}),
	}
	cmd.Flags().StringVar(&state, "state", "", "queued, sending, sent or parked; all without it")
	cmd.Flags().IntVarP(&n, "number", "n", 50, "how many")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// messageJSON is a message as --json prints it.
type messageJSON struct {
	ID        string     `json:"id"`
	Kind      string     `json:"kind"`
	To        string     `json:"to"`
	State     string     `json:"state"`
	Attempts  int        `json:"attempts"`
	Error     string     `json:"error"`
	DueAt     time.Time  `json:"due_at"`
	CreatedAt time.Time  `json:"created_at"`
	EndedAt   *time.Time `json:"ended_at"`
}

func messagesJSON(rows []outbox.Row) []messageJSON {
	all := make([]messageJSON, len(rows))
	for i, r := range rows {
		all[i] = messageJSON{r.ID, r.Kind, r.To, r.State, r.Attempts, r.Error, r.DueAt, r.CreatedAt, r.EndedAt}
	}
	return all
}

func messagesTable(w io.Writer, rows []outbox.Row) error {
	cells := make([][]string, len(rows))
	for i, r := range rows {
		due := ""
		if r.EndedAt == nil {
			due = Time(&r.DueAt)
		}
		cells[i] = []string{Time(&r.CreatedAt), r.Kind, r.To, r.State, strconv.Itoa(r.Attempts), due, r.Error, r.ID}
	}
	return Table(w, []string{"CREATED", "KIND", "TO", "STATE", "ATTEMPTS", "NEXT", "ERROR", "ID"}, cells)
}

func (p *Program[C]) outboxRetry() *cobra.Command {
	return &cobra.Command{
		Use:     "retry ID…",
		Short:   "Queue parked messages again",
		Example: "  " + p.Name + " outbox retry 0190b6f2-…",
		Args:    cobra.MinimumNArgs(1),
		RunE: Do(func(cmd *cobra.Command, ids []string) error {
			return p.tools(cmd.Context(), func(t Tools) error {
				for _, id := range ids {
					err := t.Outbox.Retry(cmd.Context(), id)
					if fault.Is(err, fault.NotFound) {
						return fmt.Errorf("there is no parked message %s; see: %s outbox list --state parked", Plain(id), p.Name)
					}
					if err != nil {
						return err
					}
					fmt.Fprintln(p.Out, "queued", id)
				}
				return nil
			})
		}),
	}
}
