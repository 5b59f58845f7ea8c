package verbs

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// strict makes every group of verbs below cmd refuse a verb that it does not have. cobra
// prints a group's help instead and is content, so that a script with a slip in it would
// go on. A group without a verb prints its help; root keeps what it does without one.
func strict(root *cobra.Command) {
	if !root.HasSubCommands() {
		return
	}
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	walk(root, func(cmd *cobra.Command) {
		switch {
		case cmd.Name() == "help" && cmd.Parent() == root:
			cmd.Args = func(_ *cobra.Command, path []string) error { return found(root, path) }
		case cmd.HasSubCommands():
			cmd.Args = noVerb
			if !cmd.Runnable() {
				cmd.DisableFlagsInUseLine = true
				cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
			}
		}
	})
}

func walk(cmd *cobra.Command, do func(*cobra.Command)) {
	do(cmd)
	for _, one := range cmd.Commands() {
		walk(one, do)
	}
}

// noVerb refuses what was not understood as a verb of the group, and names those that
// look like it.
func noVerb(group *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	alike := ""
	if group.SuggestionsMinimumDistance <= 0 {
		group.SuggestionsMinimumDistance = 2 // cobra's own
	}
	if all := group.SuggestionsFor(args[0]); len(all) > 0 {
		alike = "; did you mean " + strings.Join(all, " or ") + "?"
	}
	return fmt.Errorf("unknown command %q for %q%s", Plain(args[0]), group.CommandPath(), alike)
}

// found tells whether there is a verb of that path, for help about it.
func found(group *cobra.Command, path []string) error {
	for _, name := range path {
		at := group
		for _, one := range group.Commands() {
			if one.Name() == name || one.HasAlias(name) {
				at = one
			}
		}
		if at == group {
			return noVerb(group, []string{name})
		}
		group = at
	}
	return nil
}
