package observe

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics is what Prometheus reads. Labels have few values and never come from
// outside: routes are our patterns, statuses are classes.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	series   known[answered, *series]
}

// answered is what requests are counted by.
type answered struct {
	route, method string
	class         int // of the status: its first digit
}

// series is where requests of one kind are counted.
type series struct {
	requests prometheus.Counter
	seconds  prometheus.Observer
}

// buckets are made for answers between a session check (1 ms) and a slow password
// hash behind a queue (1 s).
var buckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}

// NewMetrics gives a registry with the numbers of the process and of HTTP. version is
// shown by tegata_info.
func NewMetrics(program, version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tegata_http_requests_total", Help: "Requests answered, by mux pattern and class of status.",
		}, []string{"route", "method", "class"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tegata_http_request_seconds", Help: "Time from the request's head to the end of the answer.", Buckets: buckets,
		}, []string{"route"}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "tegata_info", Help: "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"program": program, "version": version},
	})
	info.Set(1)
	m.registry.MustRegister(m.requests, m.seconds, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Request counts one answered request; it is serve.Front's Observe.
func (m *Metrics) Request(_ context.Context, route, method string, status int, took time.Duration) {
	to := m.series.of(answered{route, method, status / 100}, func(a answered) *series {
		return &series{
			requests: m.requests.WithLabelValues(a.route, a.method, strconv.Itoa(a.class)+"xx"),
			seconds:  m.seconds.WithLabelValues(a.route),
		}
	})
	to.requests.Inc()
	to.seconds.Observe(took.Seconds())
}

// Gauge shows a number that read tells when Prometheus asks.
func (m *Metrics) Gauge(name, help string, read func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read))
}

// Count shows a number that only grows, which read tells when Prometheus asks.
func (m *Metrics) Count(name, help string, read func() float64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, read))
}

// Certificate shows when the certificate in use ends, as Unix time (0 when there is
// none yet), and whether a newer one could not be taken.
func (m *Metrics) Certificate(expires func() time.Time, failing func() bool) {
	m.Gauge("tegata_tls_certificate_expires_timestamp_seconds", "When the certificate in use ends.", func() float64 {
		if at := expires(); !at.IsZero() {
			return float64(at.Unix())
		}
		return 0
	})
	m.Gauge("tegata_tls_certificate_failing", "1 while a newer certificate cannot be used or obtained.", func() float64 {
		if failing() {
			return 1
		}
		return 0
	})
}

// Counter gives a counter with one label, whose values must be few and ours.
func (m *Metrics) Counter(name, help, label string) func(value string) {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
	m.registry.MustRegister(c)
	var counters known[string, prometheus.Counter]
	return func(value string) {
		counters.of(value, func(value string) prometheus.Counter { return c.WithLabelValues(value) }).Inc()
	}
}

// askTimeout bounds what a scrape may ask of the database.
const askTimeout = 2 * time.Second

// GaugeBy shows numbers by one label, such as the outbox by state. When ask fails
// they are absent from that scrape, which alarms can see.
func (m *Metrics) GaugeBy(name, help, label string, ask func(ctx context.Context) (map[string]int, error)) {
	m.registry.MustRegister(&askedGauge{prometheus.NewDesc(name, help, []string{label}, nil), ask})
}

// askedGauge asks for its numbers at each scrape.
type askedGauge struct {
	desc *prometheus.Desc
	ask  func(ctx context.Context) (map[string]int, error)
}

func (g *askedGauge) Describe(out chan<- *prometheus.Desc) { out <- g.desc }

func (g *askedGauge) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	numbers, err := g.ask(ctx)
	if err != nil {
		return
	}
	for value, n := range numbers {
		out <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, float64(n), value)
	}
}

// Handler serves /metrics. It belongs on a listener of its own.
func (m *Metrics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	return mux
}
