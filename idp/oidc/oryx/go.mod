module github.com/ory/x

go 1.26.0

require go.opentelemetry.io/otel/trace v1.47.0

require go.opentelemetry.io/otel v1.47.0
