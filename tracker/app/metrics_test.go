package app_test

import (
	"testing"
	"time"

	"tegata/keys"
	"tegata/shared/certs/certstest"
	"tegata/shared/program/programtest"
	"tegata/tracker/app"
	"tegata/tracker/app/apptest"
)

func TestTheListOfMetricsIsWhatIsShown(t *testing.T) {
	listener, authority := programtest.Listen(t), certstest.New(t)
	listener.Close()
	address := listener.Addr().String()
	certificate, key := authority.Write(t, t.TempDir(), certstest.Leaf{})
	h := apptest.Start(t, apptest.Options{Change: func(c *app.Config) {
		c.Metrics.Listen = address
		c.TLS.CertificateFile, c.TLS.KeyFile = certificate, key
	}})
	if err := h.Keys.SetPlan(t.Context(), keys.Plan{Every: time.Hour}); err != nil {
		t.Fatal(err)
	}
	h.Metrics.Request(t.Context(), "GET /", "GET", 200, time.Millisecond)
	programtest.Metrics(t, "tracker", address)
}
