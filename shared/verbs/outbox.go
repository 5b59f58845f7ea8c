package verbs

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"tegata/shared/fault"
	"tegata/shared/outbox"
)

func (p *Program[C, S]) outbox() *cobra.Command {
	group := &cobra.Command{
		Use:   "outbox",
		Short: "See what was sent, what waits and what could not be sent",
		Args:  cobra.NoArgs,
	}
	group.AddCommand(p.outboxList(), p.outboxRetry())
	return group
}

func (p *Program[C, S]) outboxList() *cobra.Command {
	var (
		state  string
		n      = Number(50)
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
				rows, err := t.Outbox.List(cmd.Context(), state, int(n))
				if err != nil {
					return err
				}
				return messages.Show(p.Out, rows, asJSON)
			})
		}),
	}
	cmd.Flags().StringVar(&state, "state", "", "queued, sending, sent or parked; all without it")
	cmd.Flags().VarP(&n, "number", "n", "how many")
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

var messages = List[outbox.Row]{
	Heads: []string{"CREATED", "KIND", "TO", "STATE", "ATTEMPTS", "NEXT", "ERROR", "ID"},
	Row: func(r outbox.Row) []string {
		due := ""
		if r.EndedAt == nil {
			due = Time(&r.DueAt)
		}
		return []string{Time(&r.CreatedAt), r.Kind, r.To, r.State, strconv.Itoa(r.Attempts), due, r.Error, r.ID}
	},
	JSON: func(r outbox.Row) any {
		return messageJSON{r.ID, r.Kind, r.To, r.State, r.Attempts, r.Error, r.DueAt, r.CreatedAt, r.EndedAt}
	},
}

func (p *Program[C, S]) outboxRetry() *cobra.Command {
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
