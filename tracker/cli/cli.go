// Package cli is the tracker's command line, one verb per file.
//
//	serve, config, migrate, audit, version   shared/verbs
//	keys                                     keys/verbs, keys.go
//	candidate list, show                     candidate.go
//
// Exit codes: 0 done, 1 failed, 2 the command or the configuration is wrong.
package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"tegata/shared/config"
	"tegata/shared/verbs"
	"tegata/tracker/app"
	"tegata/tracker/schema"
)

// program is the tracker with its verbs.
type program struct {
	*verbs.Program[app.Config, *app.Services]
}

// Main runs one command and gives its exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer, environ []string) int {
	return verbs.Main(command(verbs.Std{In: stdin, Out: stdout, Err: stderr, Environ: environ}), args)
}

// command gives the program with all of its verbs.
func command(std verbs.Std) *cobra.Command {
	p := program{&verbs.Program[app.Config, *app.Services]{
		Std:  std,
		Name: "tracker", About: "Tegata Certifications, the certification tracker", EnvPrefix: app.EnvPrefix, File: "configs/tracker.yaml",
		Schema: schema.FS, Load: app.Load,
		Shared: func(c app.Config) config.Program { return c.Program },
		Open:   open,
		Tools:  func(s *app.Services) verbs.Tools { return verbs.Tools{Audit: s.Audit} },
	}}
	p.Serve = p.serve
	root := p.Root()
	root.AddCommand(p.candidate(), p.keys().Command())
	return root
}

func (p program) serve(ctx context.Context, c app.Config, log *slog.Logger, version string) error {
	a, err := app.New(ctx, c, app.Options{Log: log, Version: version})
	if err != nil {
		return err
	}
	if c.Development {
		fmt.Fprintf(p.Out, "\n  Tegata Certifications  %s\n\n", c.PublicURL)
	}
	log.Info("serving", "url", c.PublicURL, "listen", a.URL(), "issuer", c.Issuer, "development", c.Development, "version", version)
	return a.Run(ctx)
}

// open gives what the verbs work with.
func open(ctx context.Context, c app.Config, log *slog.Logger) (*app.Services, error) {
	return app.Open(ctx, c, app.Options{Log: log, Keep: true})
}
