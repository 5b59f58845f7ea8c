package verbs

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"tegata/shared/observe"
)

func (p *Program[C, S]) serve() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Serve until Ctrl-C or SIGTERM",
		Long: "Migrate the database, then serve until Ctrl-C or SIGTERM. Requests under way finish\n" +
			"first; a second Ctrl-C ends the program at once. SIGHUP looks at files of certificates\n" +
			"again, if there are any, and ends nothing.",
		Example: "  " + p.Name + " serve --config /etc/tegata/" + p.Name + ".yaml",
		Args:    cobra.NoArgs,
		RunE: Do(func(cmd *cobra.Command, _ []string) error {
			signals := hangUps()
			c, err := p.Config()
			if err != nil {
				return err
			}
			common := p.Shared(c)
			defer headroom()()
			lines := observe.NewBuffer(p.Err)
			defer lines.Flush()
			log, err := observe.NewLogger(lines, common.Log.Level, common.Log.Format)
			if err != nil {
				return err
			}
			slog.SetDefault(log) // libraries of ours log there
			ctx, stop := untilSignal(context.WithoutCancel(cmd.Context()))
			defer stop()
			go tellHangUps(ctx, signals, log)
			return p.Serve(ctx, c, log, Version())
		}),
	}
}

// untilSignal gives a context that ends with SIGINT or SIGTERM. The next signal has
// its usual effect, however soon it comes: it ends the program at once (F-23).
func untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		select {
		case <-ctx.Done():
		case <-signals:
		}
		signal.Stop(signals) // from here on they are not ours
		select {
		case again := <-signals:
			syscall.Kill(os.Getpid(), again.(syscall.Signal))
		default:
		}
		cancel()
	}()
	return ctx, cancel
}
