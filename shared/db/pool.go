package db

import (
	"context"
	"database/sql"
)

// pooled is a pool of connections to PostgreSQL, or a transaction on one of them. pgx
// keeps the statements of each connection prepared.
type pooled struct {
	on interface {
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	}
}

func (p pooled) exec(ctx context.Context, text string, args []any) (int64, error) {
	bound, err := bind(args)
	if err != nil {
		return 0, err
	}
	res, err := p.on.ExecContext(ctx, text, bound...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (p pooled) query(ctx context.Context, text string, args []any) (rows, error) {
	bound, err := bind(args)
	if err != nil {
		return nil, err
	}
	found, err := p.on.QueryContext(ctx, text, bound...)
	if err != nil {
		return nil, err
	}
	return pooledRows{found}, nil
}

// pooledRows reads times.
type pooledRows struct{ *sql.Rows }

func (r pooledRows) Scan(dest ...any) error { return r.Rows.Scan(scanInto(dest)...) }
