package verbs

import (
	"errors"
	"slices"

	"github.com/spf13/cobra"
)

// refusesInJSON marks commands, in their annotations.
const refusesInJSON = "tegata: refuses in JSON"

// RefusesInJSON makes Main answer whoever asked cmd, or a verb below it, for --json with a
// JSON object on standard output when it fails or is refused: {"problem": "…"}. The same
// sentence is on standard error as without --json, and the exit code is the same.
func RefusesInJSON(cmd *cobra.Command) *cobra.Command {
	if cmd.Annotations == nil {
		cmd.Annotations = map[string]string{}
	}
	cmd.Annotations[refusesInJSON] = "yes"
	return cmd
}

// answered is an error of a verb that has printed its JSON already.
type answered struct{ error }

func (a answered) Unwrap() error { return a.error }

// Answered marks the error of a verb whose JSON tells of it already, such as a list of what
// is wrong: a second object would not be JSON any more. nil stays nil.
func Answered(err error) error {
	if err == nil {
		return nil
	}
	return answered{err}
}

// refusal is what --json prints when there is nothing else to print.
type refusal struct {
	Problem string `json:"problem"`
}

// refuse prints the refusal as JSON when that was asked for.
func refuse(cmd *cobra.Command, args []string, err error) error {
	var told answered
	if errors.As(err, &told) || !asksJSON(cmd, args) {
		return nil
	}
	for at := cmd; at != nil; at = at.Parent() {
		if at.Annotations[refusesInJSON] != "" {
			return JSON(cmd.OutOrStdout(), refusal{err.Error()})
		}
	}
	return nil
}

// asksJSON tells whether --json was given: also behind a flag that does not exist, where
// nothing was parsed any more.
func asksJSON(cmd *cobra.Command, args []string) bool {
	if flag := cmd.Flags().Lookup("json"); flag != nil && flag.Changed {
		return flag.Value.String() == "true"
	}
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	return slices.Contains(args, "--json")
}
