package verbs

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tegata/shared/config"
)

// The exit codes.
const (
	Done   = 0
	Failed = 1
	Wrong  = 2 // the command or the configuration
)

// failure is an error of a verb's work, as opposed to a command that is wrong.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// Do wraps the work of a verb, so that Main can tell its errors from usage errors.
func Do(work func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := work(cmd, args); err != nil {
			return failure{err}
		}
		return nil
	}
}

// usage is a mistake that only the work could find.
type usage struct{ error }

// Usagef gives an error about how the command was written: exit code 2.
func Usagef(format string, args ...any) error { return usage{fmt.Errorf(format, args...)} }

// Main runs root with the arguments and gives the exit code. What went wrong is told
// on standard error, with what to do next, and as JSON where that was asked for (refusal.go).
func Main(root *cobra.Command, args []string) int {
	strict(root)
	root.SetArgs(args)
	cmd, err := root.ExecuteC()
	if err == nil {
		return Done
	}
	var (
		mistakes *config.Mistakes
		wrong    usage
		failed   failure
	)
	if err := refuse(cmd, args, err); err != nil {
		fmt.Fprintf(root.ErrOrStderr(), "%s: %v\n", root.Name(), err)
	}
	switch {
	case errors.As(err, &mistakes):
		fmt.Fprintf(root.ErrOrStderr(), "%v\nThe comments in the file shipped as configs/%s.yaml explain each key.\n", mistakes, root.Name())
		return Wrong
	case errors.As(err, &wrong), !errors.As(err, &failed):
		fmt.Fprintf(root.ErrOrStderr(), "%s: %v\nRun: %s --help\n", root.Name(), err, cmd.CommandPath())
		return Wrong
	}
	fmt.Fprintf(root.ErrOrStderr(), "%s: %v\n", root.Name(), failed.error)
	return Failed
}
