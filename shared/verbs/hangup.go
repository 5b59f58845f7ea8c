package verbs

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// hangUps takes SIGHUP from now on, so that it never ends the program: reloading is what
// service managers and logrotate mean by it, and nobody can know whether there is a file
// to look at again. Those who watch files hear of it by themselves (shared/certs).
func hangUps() <-chan os.Signal {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP) // to the very end: nobody gives it back
	return signals
}

// tellHangUps logs each until ctx ends.
func tellHangUps(ctx context.Context, signals <-chan os.Signal, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
			log.Info("SIGHUP: certificates and lists are looked at again where files are named for them; the rest of the configuration is read at the start")
		}
	}
}
