package verbs

import (
	"context"
	"log/slog"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"tegata/shared/observe"
)

func (p *Program[C]) serve() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Serve until Ctrl-C or SIGTERM",
		Long: "Migrate the database, then serve until Ctrl-C or SIGTERM. Requests under way finish\n" +
			"first; a second Ctrl-C ends the program at once.",
		Example: "  " + p.Name + " serve --config /etc/tegata/" + p.Name + ".yaml",
		Args:    cobra.NoArgs,
		RunE: Do(func(cmd *cobra.Command, _ []string) error {
			c, err := p.Config()
			if err != nil {
				return err
			}
			common := p.Shared(c)
			log, err := observe.NewLogger(p.Err, common.Log.Level, common.Log.Format)
			if err != nil {
				return err
			}
			slog.SetDefault(log) // libraries of ours log there
			ctx, stop := signal.NotifyContext(context.WithoutCancel(cmd.Context()), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			context.AfterFunc(ctx, stop) // the next signal has its usual effect (F-23)
			return p.Serve(ctx, c, log, Version())
		}),
	}
}
