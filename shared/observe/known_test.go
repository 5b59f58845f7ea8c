package observe_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/shared/observe"
)

func TestNothingIsLostWhenManyCountAtFirst(t *testing.T) {
	m := observe.NewMetrics("idp", "v1")
	count := m.Counter("tegata_things_total", "Things.", "kind")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				for _, kind := range []string{"one", "two", "three"} {
					count(kind)
					m.Request(context.Background(), "/"+kind, "GET", 200, time.Millisecond)
				}
			}
		})
	}
	all.Wait()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, kind := range []string{"one", "two", "three"} {
		for _, want := range []string{`tegata_things_total{kind="` + kind + `"} 800`, `tegata_http_requests_total{class="2xx",method="GET",route="/` + kind + `"} 800`} {
			if !strings.Contains(w.Body.String(), want) {
				t.Errorf("not shown: %s", want)
			}
		}
	}
}
