// Package db is the one seam to the database: plain SQL, written once, for SQLite
// and PostgreSQL (and what speaks like PostgreSQL).
//
//	Open                     a database from its URL (open.go)
//	Exec, Row, Collect       one statement; Row also for INSERT/UPDATE … RETURNING
//	Tx                       several statements, all or nothing, carried in the context (tx.go)
//	Migrate                  numbered SQL files, applied once, under a lock (migrate.go)
//	fault.NotFound/Conflict  what "no rows" and a broken unique index become (errors.go)
//
// Write $1, $2 …: SQLite gets ?1, ?2, since its driver binds $n by order of
// appearance, silently. Times go in and out as time.Time and are stored as bigint,
// microseconds since 1970 in UTC (so min(), max() and order work everywhere).
// The types that work on both: text, bigint, boolean, bytea.
//
// On SQLite one goroutine owns the only writing connection and lets waiting
// transactions share a commit (writer.go); reads go to a pool of read-only
// connections. A statement that starts with "select" reads, any other writes.
package db

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// DB is an open database. Its methods may be called from many goroutines.
type DB struct {
	pool   *sql.DB // PostgreSQL: all connections; SQLite: the reading ones
	reader querier // pool, on SQLite with its statements prepared
	writer *writer // SQLite only
	stmts  sync.Map
}

// SQLite tells whether this is the embedded database.
func (d *DB) SQLite() bool { return d.writer != nil }

// Ping asks the database whether it answers.
func (d *DB) Ping(ctx context.Context) error { return d.pool.PingContext(ctx) }

// Close ends the connections. Transactions under way finish first, new ones are
// refused. On SQLite the writer goes last, so that it folds the journal into the file.
func (d *DB) Close() error {
	if d.writer == nil {
		return d.pool.Close()
	}
	d.writer.stop()
	return errors.Join(d.pool.Close(), d.writer.close())
}

// Exec runs one statement that gives no rows and tells how many rows it touched.
func (d *DB) Exec(ctx context.Context, query string, args ...any) (touched int64, err error) {
	err = d.run(ctx, query, func(ctx context.Context, q querier, text string) error {
		bound, err := bind(args)
		if err != nil {
			return err
		}
		res, err := q.ExecContext(ctx, text, bound...)
		if err != nil {
			return err
		}
		touched, err = res.RowsAffected()
		return err
	})
	return touched, err
}

// Row runs one statement that gives at most one row and scans it into dest.
// Without a row it gives fault.NotFound.
func (d *DB) Row(ctx context.Context, text string, args []any, dest ...any) error {
	return d.run(ctx, text, func(ctx context.Context, q querier, text string) error {
		rows, err := query(ctx, q, text, args)
		if err != nil {
			return err
		}
		defer rows.Close()
		if !rows.Next() {
			if err := rows.Err(); err != nil {
				return err
			}
			return sql.ErrNoRows
		}
		if err := rows.Scan(scanInto(dest)...); err != nil {
			return err
		}
		return rows.Close()
	})
}

// Scan reads the columns of the row at hand.
type Scan func(dest ...any) error

// Collect runs a statement and gives what read makes of each row, in order. read must
// not use the database: on PostgreSQL its connection is busy with the rows.
func Collect[T any](ctx context.Context, d *DB, text string, args []any, read func(Scan) (T, error)) ([]T, error) {
	var all []T
	outer := ctx
	err := d.run(ctx, text, func(ctx context.Context, q querier, text string) error {
		all = nil
		rows, err := query(ctx, q, text, args)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := outer.Err(); err != nil {
				return err
			}
			one, err := read(func(dest ...any) error { return rows.Scan(scanInto(dest)...) })
			if err != nil {
				return err
			}
			all = append(all, one)
		}
		return rows.Err()
	})
	return all, err
}

func query(ctx context.Context, q querier, text string, args []any) (*sql.Rows, error) {
	bound, err := bind(args)
	if err != nil {
		return nil, err
	}
	return q.QueryContext(ctx, text, bound...)
}

// Args is short for []any{…} beside Row and Collect.
func Args(args ...any) []any { return args }

// querier is what a pool, a transaction and our prepared statements have in common.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// run finds the connection that the statement belongs to: the transaction in ctx,
// else the writer for a SQLite write, else the pool.
func (d *DB) run(ctx context.Context, text string, do func(context.Context, querier, string) error) error {
	st := d.statement(text)
	if tx := d.inTx(ctx); tx != nil {
		if tx.over.Load() {
			return errOver
		}
		return translate(do(tx.ctx(ctx), tx.querier, st.text))
	}
	if d.writer != nil && !st.reads {
		return d.Tx(ctx, func(ctx context.Context) error { return d.run(ctx, text, do) })
	}
	if d.SQLite() {
		if err := ctx.Err(); err != nil {
			return err
		}
		// A statement here ends by itself, and soon; watching whether its caller goes
		// away costs a goroutine and as much time as most statements take.
		return translate(do(context.WithoutCancel(ctx), d.reader, st.text))
	}
	return d.bounded(ctx, func(ctx context.Context) error {
		return retry(ctx, func() error { return do(ctx, d.reader, st.text) })
	})
}
