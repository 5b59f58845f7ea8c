// Package verbs is what the command lines of both programs have in common.
//
//	Program    name, configuration and services of one program; Root builds its verbs
//	Main       runs the verbs and turns what happens into an exit code
//	Do         wraps the work of a verb (exit.go); a verb that does not exist: group.go
//	RefusesInJSON   makes verbs with --json tell in JSON why they did nothing (refusal.go)
//	List       a verb that prints rows page by page, for people or as JSON (list.go)
//	Table      prints rows for people, JSON what programs read (table.go)
//	Annotated  a table with lines below its rows, broken by Wrap (wrap.go)
//	Length     a flag such as 90d; Number one such as 20 (length.go)
//	hangUps    takes SIGHUP while serving (hangup.go)
//	Fetch      reads what the running program serves (fetch.go)
//
// The verbs here: serve, config check, config show, migrate, audit tail, audit verify,
// audit export, outbox list, outbox retry, version. Those of the key ring are in
// keys/verbs; help and completion come from cobra.
//
// Exit codes: 0 done, 1 failed, 2 the command or the configuration is wrong.
package verbs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"tegata/shared/audit"
	"tegata/shared/config"
	"tegata/shared/db"
	"tegata/shared/outbox"
)

// Std is the world around a command.
type Std struct {
	In       io.Reader
	Out, Err io.Writer
	Environ  []string
}

// Tools is what the verbs here work with.
type Tools struct {
	Audit  audit.Log
	Outbox *outbox.Outbox // nil: the program sends nothing
}

// Program is one program with configuration C and services S.
type Program[C any, S io.Closer] struct {
	Std
	Name      string // "idp"
	About     string // one line
	EnvPrefix string // TEGATA_IDP
	File      string // the default of --config
	Schema    fs.FS

	Load   func(path string, environ []string) (C, error)
	Shared func(C) config.Program
	Open   func(ctx context.Context, c C, log *slog.Logger) (S, error) // leaves the schema as it is
	Tools  func(S) Tools
	Serve  func(ctx context.Context, c C, log *slog.Logger, version string) error
	Sends  bool // has an outbox

	// Check is what config check finds by a look at the database, beside the mistakes that
	// Load has told; optional. With those, c is what could be read.
	Check func(ctx context.Context, c C) config.Problems

	path   string
	warned bool
}

// Root gives the program's command with the verbs that both programs have. Without a
// verb it serves.
func (p *Program[C, S]) Root() *cobra.Command {
	serve := p.serve()
	root := &cobra.Command{
		Use:   p.Name,
		Short: p.About,
		Long: p.About + ".\n\nWithout a verb it serves. Every key of the configuration can be set by an environment\n" +
			"variable too: " + p.EnvPrefix + "_LISTEN for listen.",
		Args:          cobra.NoArgs,
		RunE:          serve.RunE,
		SilenceErrors: true, SilenceUsage: true,
	}
	root.SetIn(p.In)
	root.SetOut(p.Out)
	root.SetErr(p.Err)
	path := p.File
	if named := p.environ(p.EnvPrefix + "_CONFIG"); named != "" {
		path = named
	}
	root.PersistentFlags().StringVar(&p.path, "config", path, "configuration file (also "+p.EnvPrefix+"_CONFIG)")
	if err := root.MarkPersistentFlagFilename("config", "yaml", "yml"); err != nil {
		panic(err) // only when there is no such flag
	}
	root.AddCommand(serve, p.config(), p.migrate(), p.audit(), p.version())
	if p.Sends {
		root.AddCommand(p.outbox())
	}
	return root
}

// environ gives a variable, "" when it is not set.
func (p *Program[C, S]) environ(name string) string {
	for _, pair := range p.Environ {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value
		}
	}
	return ""
}

// Config reads the configuration that --config names.
func (p *Program[C, S]) Config() (C, error) { return p.Load(p.path, p.Environ) }

// settings is Config for verbs that go by the database: of mistakes that only serve goes by,
// in the list of clients for one, they warn once. Who has to revoke a key in an emergency
// must not have to mend a file first.
func (p *Program[C, S]) settings() (C, error) {
	c, err := p.Config()
	var wrong *config.Mistakes
	if !errors.As(err, &wrong) || !wrong.Serving() {
		return c, err
	}
	if !p.warned {
		p.warned = true
		file, n := wrong.Problems[0].File, "1 mistake"
		if file == "" {
			file = p.path
		}
		if len(wrong.Problems) > 1 {
			n = fmt.Sprintf("%d mistakes", len(wrong.Problems))
		}
		fmt.Fprintf(p.Err, "Warning: %s has %s, with which %s does not start; see: %[3]s config check\n", file, n, p.Name)
	}
	return c, nil
}

// Services runs do with the services of this program, opened. It refuses a database
// that is behind or ahead, so that no verb fails half way.
func (p *Program[C, S]) Services(ctx context.Context, do func(S) error) error {
	c, err := p.settings()
	if err != nil {
		return err
	}
	if err := p.fits(ctx, c); err != nil {
		return err
	}
	s, err := p.Open(ctx, c, p.quiet())
	if err != nil {
		return err
	}
	defer s.Close()
	return do(s)
}

// fits finds whether the database is of this program's version.
func (p *Program[C, S]) fits(ctx context.Context, c C) error {
	d, err := db.OpenExisting(ctx, p.Shared(c).Database.URL.Reveal())
	if err != nil {
		return p.unopened(err)
	}
	behind, err := d.Pending(ctx, p.Schema)
	d.Close()
	switch {
	case err != nil: // no table of migrations: nothing was ever migrated
		return fmt.Errorf("the database has no tables yet; run: %s migrate", p.Name)
	case behind > 0:
		return fmt.Errorf("the database lacks %d migrations; run: %s migrate", behind, p.Name)
	case behind < 0:
		return fmt.Errorf("the database is newer than this program (%d migrations); start the newer program", -behind)
	}
	return nil
}

// unopened tells why the database could not be opened. Only migrate and serve make one: a
// verb that did would leave an empty database wherever a path is wrong.
func (p *Program[C, S]) unopened(err error) error {
	var missing *db.Missing
	if errors.As(err, &missing) {
		path := missing.Path
		if whole, err := filepath.Abs(path); err == nil {
			path = whole
		}
		return fmt.Errorf("there is no database at %s; run: %s migrate, or start %[2]s", path, p.Name)
	}
	return fmt.Errorf("database.url: %w", err)
}

// tools is Services with the tools of the verbs here.
func (p *Program[C, S]) tools(ctx context.Context, do func(Tools) error) error {
	return p.Services(ctx, func(s S) error { return do(p.Tools(s)) })
}

// quiet is the log of verbs: only what went wrong, as text.
func (p *Program[C, S]) quiet() *slog.Logger {
	return slog.New(slog.NewTextHandler(p.Err, &slog.HandlerOptions{Level: slog.LevelWarn}))
}
