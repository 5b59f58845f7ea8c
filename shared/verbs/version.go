package verbs

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Version tells what was built, from what the Go tool wrote into the binary: the
// commit with "+changes" for a tree that was not clean, "unknown" without version
// control.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	version, changes := "unknown", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			version = s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			changes = "+changes"
		}
	}
	return version + changes
}

func (p *Program[C, S]) version() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Tell which version this is",
		Args:  cobra.NoArgs,
		RunE: Do(func(*cobra.Command, []string) error {
			if asJSON {
				return JSON(p.Out, map[string]string{"program": p.Name, "version": Version(), "go": runtime.Version()})
			}
			_, err := fmt.Fprintf(p.Out, "%s %s (%s)\n", p.Name, Version(), runtime.Version())
			return err
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
