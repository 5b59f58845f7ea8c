// Package cli is the provider's command line, one verb per file.
//
//	serve, config, migrate, audit, outbox, version   shared/verbs
//	keys                                             keys/verbs, keys.go
//	account list, show, create                       account.go
//	client list, show                                client.go; client invite: invite.go
//	client invitations, revoke-invitation            invitations.go
//	client create, update                            client_change.go, client_update.go, client_mistakes.go
//	what config check finds beside Load              filed.go
//	client rotate-secret                             client_rotate.go
//	client disable, enable, delete                   client_switch.go
//	client test, doctor                              client_doctor.go
//
// While serve hashes passwords, Go has a processor to spare: processors.go.
//
// Exit codes: 0 done, 1 failed, 2 the command or the configuration is wrong.
package cli

import (
	"context"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"tegata/idp/app"
	"tegata/idp/schema"
	"tegata/shared/config"
	"tegata/shared/verbs"
)

// program is the provider with its verbs.
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
		Name: "idp", About: "Tegata ID, the OpenID Provider", EnvPrefix: app.EnvPrefix, File: "configs/idp.yaml",
		Schema: schema.FS, Load: app.Load, Sends: true,
		Shared: func(c app.Config) config.Program { return c.Program },
		Open:   open,
		Tools:  func(s *app.Services) verbs.Tools { return verbs.Tools{Audit: s.Audit, Outbox: s.Outbox} },
	}}
	p.Serve, p.Check = p.serve, filed
	root := p.Root()
	root.AddCommand(p.account(), p.client(), p.keys().Command())
	return root
}

func (p program) serve(ctx context.Context, c app.Config, log *slog.Logger, version string) error {
	var o app.Options
	o.Log, o.Version = log, version
	a, err := app.New(ctx, c, o)
	if err != nil {
		return err
	}
	defer makeRoom(a.Hasher)()
	welcome(p.Out, c)
	log.Info("serving", "url", c.PublicURL, "listen", a.URL(), "development", c.Development, "version", version)
	return a.Run(ctx)
}

// open gives what the verbs work with.
func open(ctx context.Context, c app.Config, log *slog.Logger) (*app.Services, error) {
	var o app.Options
	o.Log, o.Keep = log, true
	return app.Open(ctx, c, o)
}
