package db

import (
	"context"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// connectFor bounds how long we wait for a PostgreSQL that does not answer, so that
// requests fail while a person still waits (F-14).
const connectFor = 3 * time.Second

// openPool makes a pool that connects when it is first used.
func openPool(rawURL string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(rawURL)
	if err != nil {
		return nil, err // hides the password
	}
	if !strings.Contains(rawURL, "connect_timeout=") {
		config.ConnConfig.ConnectTimeout = connectFor
	}
	if params := config.ConnConfig.RuntimeParams; params["application_name"] == "" {
		params["application_name"] = "tegata"
	}
	if !strings.Contains(rawURL, "pool_max_conns=") {
		config.MaxConns = int32(8 * runtime.GOMAXPROCS(0))
	}
	if !strings.Contains(rawURL, "pool_max_conn_idle_time=") {
		config.MaxConnIdleTime = 5 * time.Minute
	}
	return pgxpool.NewWithConfig(context.Background(), config)
}

// pooled is a pool of connections to PostgreSQL, or a transaction on one of them. It
// speaks to pgx without database/sql, whose pool, locks and conversions cost as much as
// pgx itself. pgx keeps the statements of each connection prepared.
type pooled struct {
	on interface {
		Exec(ctx context.Context, text string, args ...any) (pgconn.CommandTag, error)
		Query(ctx context.Context, text string, args ...any) (pgx.Rows, error)
	}
}

func (p pooled) exec(ctx context.Context, text string, args []any) (int64, error) {
	bound, err := bind(args)
	if err != nil {
		return 0, err
	}
	done, err := p.on.Exec(ctx, text, bound...)
	return done.RowsAffected(), err
}

func (p pooled) query(ctx context.Context, text string, args []any) (rows, error) {
	bound, err := bind(args)
	if err != nil {
		return nil, err
	}
	found, err := p.on.Query(ctx, text, bound...)
	if err != nil {
		return nil, err
	}
	return pooledRows{found}, nil
}

// pooledRows reads times.
type pooledRows struct{ pgx.Rows }

func (r pooledRows) Scan(dest ...any) error { return r.Rows.Scan(scanInto(dest)...) }

// Close gives the connection back, and what went wrong after the last row that was read.
func (r pooledRows) Close() error {
	r.Rows.Close()
	return r.Rows.Err()
}
