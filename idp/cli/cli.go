// Package cli is the provider's command line, one verb per file.
//
//	serve, config, migrate, audit, outbox, version   shared/verbs
//	keys                                             keys/verbs, keys.go
//	account list, show, create                       account.go
//	client list, show                                client.go
//
// Exit codes: 0 done, 1 failed, 2 the command or the configuration is wrong.
package cli

import (
	"context"
	"io"
	"log/slog"

	"tegata/idp/app"
	"tegata/idp/schema"
	"tegata/shared/config"
	"tegata/shared/verbs"
)

// program is the provider with its verbs.
type program struct{ *verbs.Program[app.Config] }

// Main runs one command and gives its exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer, environ []string) int {
	p := program{&verbs.Program[app.Config]{
		Std:  verbs.Std{In: stdin, Out: stdout, Err: stderr, Environ: environ},
		Name: "idp", About: "Tegata ID, the OpenID Provider", EnvPrefix: app.EnvPrefix, File: "configs/idp.yaml",
		Schema: schema.FS, Load: app.Load, Sends: true,
		Shared: func(c app.Config) config.Program { return c.Program },
		Open:   tools,
	}}
	p.Serve = p.serve
	root := p.Root()
	root.AddCommand(p.account(), p.client(), p.keys().Command())
	return verbs.Main(root, args)
}

func (p program) serve(ctx context.Context, c app.Config, log *slog.Logger, version string) error {
	a, err := app.New(ctx, c, app.Options{Log: log, Version: version})
	if err != nil {
		return err
	}
	welcome(p.Out, c)
	log.Info("serving", "url", c.PublicURL, "listen", a.URL(), "development", c.Development, "version", version)
	return a.Run(ctx)
}

func tools(ctx context.Context, c app.Config, log *slog.Logger) (verbs.Tools, error) {
	s, err := app.Open(ctx, c, app.Options{Log: log, Keep: true})
	if err != nil {
		return verbs.Tools{}, err
	}
	return verbs.Tools{DB: s.DB, Audit: s.Audit, Outbox: s.Outbox, Close: s.Close}, nil
}

// services opens everything that the verbs of this program work with.
func (p program) services(ctx context.Context, do func(*app.Services) error) error {
	return p.Opened(ctx, func(c app.Config) error {
		s, err := app.Open(ctx, c, app.Options{Log: p.Quiet(), Keep: true})
		if err != nil {
			return err
		}
		defer s.Close()
		return do(s)
	})
}
