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

// session runs statements on one connection to PostgreSQL, for a transaction, or on any of
// the pool's. It speaks to pgx without database/sql, whose pool, locks and conversions
// cost as much as pgx itself. pgx keeps the statements of each connection prepared.
type session struct {
	on interface {
		Exec(ctx context.Context, text string, args ...any) (pgconn.CommandTag, error)
		Query(ctx context.Context, text string, args ...any) (pgx.Rows, error)
	}
}

func (s session) exec(ctx context.Context, text string, args []any) (int64, error) {
	bound, err := bind(args)
	if err != nil {
		return 0, err
	}
	done, err := s.on.Exec(ctx, text, bound...)
	return done.RowsAffected(), err
}

func (s session) query(ctx context.Context, text string, args []any) (rows, error) {
	bound, err := bind(args)
	if err != nil {
		return nil, err
	}
	found, err := s.on.Query(ctx, text, bound...)
	if err != nil {
		return nil, err
	}
	return pooledRows{found}, nil
}

func (s session) row(ctx context.Context, text string, args, dest []any) error {
	return firstRow(ctx, s, text, args, dest)
}

// pooled runs statements that belong to no transaction. Those that read one row, and those
// that give none, are short: they go by lanes, unless their context says Apart.
type pooled struct {
	session
	reads, writes *lanes
}

func newPooled(pool *pgxpool.Pool) pooled {
	return pooled{session{pool}, newLanes(pool, readTogether), newLanes(pool, writeTogether)}
}

func (p pooled) exec(ctx context.Context, text string, args []any) (int64, error) {
	if isApart(ctx) {
		return p.session.exec(ctx, text, args)
	}
	bound, err := bind(args)
	if err != nil {
		return 0, err
	}
	c := call{text: text, args: bound}
	err = p.writes.do(ctx, &c)
	return c.touched, err
}

func (p pooled) row(ctx context.Context, text string, args, dest []any) error {
	if !startsWithSelect(text) || isApart(ctx) { // it changes something, too, or takes long
		return p.session.row(ctx, text, args, dest)
	}
	bound, err := bind(args)
	if err != nil {
		return err
	}
	return p.reads.do(ctx, &call{text: text, args: bound, read: func(found pgx.Rows) error {
		return scanFirst(pooledRows{found}, dest)
	}})
}

type apartKey struct{}

// Apart gives a context whose statements share no transaction and no round trip with those
// of others on PostgreSQL: for what may take long, such as a clean-up. On SQLite it changes
// nothing: there is one writer, and whoever waits for it waits for what is long in any case.
// What deletes much goes by Sweep.
func Apart(ctx context.Context) context.Context { return context.WithValue(ctx, apartKey{}, true) }

func isApart(ctx context.Context) bool { return ctx.Value(apartKey{}) != nil }

// pooledRows reads times.
type pooledRows struct{ pgx.Rows }

func (r pooledRows) Scan(dest ...any) error { return r.Rows.Scan(scanInto(dest)...) }

// Close gives the connection back, and what went wrong after the last row that was read.
func (r pooledRows) Close() error {
	r.Rows.Close()
	return r.Rows.Err()
}
