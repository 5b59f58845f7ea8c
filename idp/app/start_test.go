package app_test

import (
	"context"
	"net/http"
	"sync"
	"testing"

	"tegata/idp/app"
	"tegata/idp/app/apptest"
	"tegata/shared/clock"
	"tegata/shared/db/dbtest"
	"tegata/shared/program"
	"tegata/shared/program/programtest"
)

// Whatever a first start makes (tables, keys, clients, people), two nodes that make it at
// once end up with the same, and both serve.
func TestTwoNodesStartOnAnEmptyDatabase(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, database string) {
		held := clock.Hold(programtest.Began)
		var nodes [2]*app.App
		var errs [2]error
		var done sync.WaitGroup
		begin := make(chan struct{})
		listener := programtest.Listen(t)
		cfg := apptest.Config(t, apptest.Options{Database: database, Listener: listener})
		for i := range nodes {
			own := program.Options{Clock: held.Now, Log: programtest.Log(t), Listener: listener}
			if i > 0 {
				own.Listener = programtest.Listen(t)
			}
			done.Go(func() {
				<-begin
				nodes[i], errs[i] = app.New(t.Context(), cfg, app.Options{Options: own})
			})
		}
		close(begin)
		done.Wait()
		for i, node := range nodes {
			if errs[i] != nil {
				t.Errorf("node %d: %v", i, errs[i])
				continue
			}
			programtest.Run(t, func(context.Context) (*app.App, error) { return node, nil })
			answer, err := http.Get(node.URL() + "/readyz")
			if err != nil || answer.StatusCode != http.StatusOK {
				t.Errorf("node %d is not ready: %v, %v", i, answer, err)
			}
		}
	})
}
