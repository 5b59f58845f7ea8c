// Package observe shows operators what a program does, without showing them what
// people do: no account ids in metrics, no paths, queries or secrets anywhere.
//
//	NewLogger    structured logs, JSON or text, with request id and redaction (log.go)
//	Buffer       lines of a log that share a write (buffer.go)
//	Metrics      Prometheus: requests by route and class, gauges of the mechanisms; README.md
//	             lists all that both programs show
//	known        what was made once for each of few keys (known.go)
//	StartTraces  OpenTelemetry spans, off unless an endpoint is configured
//
// All three cost next to nothing at start: nothing is sent, asked or opened before it
// is needed.
package observe
