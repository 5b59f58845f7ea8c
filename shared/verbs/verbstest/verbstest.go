// Package verbstest holds what every command line of ours has to keep, by walking the
// tree of its verbs.
//
//	Groups   every group of verbs refuses one that it does not have
package verbstest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"tegata/shared/verbs"
)

// Groups fails where a group of verbs takes a verb that it does not have, does not name
// the one that was meant, or does not print its help when it is given none. make gives the
// program anew, writing to these.
func Groups(t *testing.T, make func(out, errs *strings.Builder) *cobra.Command) {
	t.Helper()
	run := func(args ...string) (code int, out, problem string) {
		var o, e strings.Builder
		code = verbs.Main(make(&o, &e), args)
		return code, o.String(), e.String()
	}
	root := make(&strings.Builder{}, &strings.Builder{})
	verbs.Main(root, []string{"help"})
	if all := groups(root, nil); len(all) < 3 {
		t.Fatalf("only %d groups were found", len(all))
	}
	for _, path := range append([][]string{nil, {"help"}}, groups(root, nil)...) {
		of := strings.Join(path, " ")
		code, out, problem := run(append(path[:len(path):len(path)], "frob-nothing")...)
		if code != verbs.Wrong || out != "" || !strings.Contains(problem, `unknown command "frob-nothing" for "`) || !strings.Contains(problem, "--help") {
			t.Errorf("%s frob-nothing: code %d, %q %q; want %d and what to do", of, code, out, problem, verbs.Wrong)
		}
		if path == nil || path[0] == "help" {
			continue
		}
		group, _, err := root.Find(path)
		if err != nil {
			t.Fatal(err)
		}
		meant := group.Commands()[0].Name()
		code, _, problem = run(append(path[:len(path):len(path)], meant[:len(meant)-1])...)
		if want := fmt.Sprintf("did you mean %s", meant); code != verbs.Wrong || !strings.Contains(problem, want) {
			t.Errorf("%s %s: code %d, %q; want %q", of, meant[:len(meant)-1], code, problem, want)
		}
		if code, out, problem := run(path...); code != verbs.Done || problem != "" || !strings.Contains(out, meant) {
			t.Errorf("%s: code %d, %q %q; want its help", of, code, out, problem)
		}
	}
}

// groups gives the paths of the commands that have commands below.
func groups(cmd *cobra.Command, path []string) (all [][]string) {
	for _, one := range cmd.Commands() {
		if at := append(path[:len(path):len(path)], one.Name()); one.HasSubCommands() {
			all = append(append(all, at), groups(one, at)...)
		}
	}
	return all
}
