package verbs

import (
	"context"
	"io"

	"github.com/spf13/cobra"
)

// longestList bounds -n.
const longestList = 10_000

// List is rows of T, as people and as programs read them.
type List[T any] struct {
	Heads []string
	Row   func(T) []string // the cells under the heads
	Below func(T) []string // what stands below a row, in lines; nil: nothing
	JSON  func(T) any      // for --json

	Number int    // how many without -n
	What   string // "account": what --after names
	Page   Page[T]
}

// Page gives up to n rows that come after the one with that id, "" for the first.
type Page[T any] func(ctx context.Context, after string, n int) ([]T, error)

// From gives a Page of services that are opened for each question, such as
// Program.Services does.
func From[S, T any](open func(ctx context.Context, do func(S) error) error, page func(S) Page[T]) Page[T] {
	return func(ctx context.Context, after string, n int) (all []T, err error) {
		err = open(ctx, func(s S) error {
			all, err = page(s)(ctx, after, n)
			return err
		})
		return all, err
	}
}

// Command makes cmd print a page of the list; -n, --after and --json choose.
func (l List[T]) Command(out io.Writer, cmd *cobra.Command) *cobra.Command {
	var (
		after  string
		asJSON bool
	)
	n := Number(l.Number)
	cmd.Args = cobra.NoArgs
	cmd.RunE = Do(func(cmd *cobra.Command, _ []string) error {
		if n < 1 || n > longestList {
			return Usagef("-n %d: want 1 to %d", n, longestList)
		}
		all, err := l.Page(cmd.Context(), after, int(n))
		if err != nil {
			return err
		}
		return l.Show(out, all, asJSON)
	})
	cmd.Flags().VarP(&n, "number", "n", "how many")
	cmd.Flags().StringVar(&after, "after", "", "the "+l.What+" id to begin after")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// Show prints rows as a table or as JSON.
func (l List[T]) Show(out io.Writer, all []T, asJSON bool) error {
	if asJSON {
		list := make([]any, len(all))
		for i, one := range all {
			list[i] = l.JSON(one)
		}
		return JSON(out, list)
	}
	rows, below := make([][]string, len(all)), make([][]string, len(all))
	for i, one := range all {
		rows[i] = l.Row(one)
		if l.Below != nil {
			below[i] = l.Below(one)
		}
	}
	if l.Below != nil {
		return Annotated(out, l.Heads, rows, below)
	}
	return Table(out, l.Heads, rows)
}
