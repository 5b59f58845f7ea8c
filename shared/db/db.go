// Package db is the one seam to the database: plain SQL, written once, for SQLite
// and PostgreSQL (and what speaks like PostgreSQL).
//
//	Open                     a database from its URL (open.go)
//	Exec, Row, Collect       one statement; Row also for INSERT/UPDATE … RETURNING
//	Tx                       several statements, all or nothing, carried in the context (tx.go)
//	Apart                    for statements that take long: nobody else's share their way (pool.go)
//	Sweep                    forgets what is over without holding writers up (sweep.go)
//	Migrate                  numbered SQL files, applied once, under a lock (migrate.go)
//	fault.NotFound/Conflict  what "no rows" and a broken unique index become (errors.go)
//
// Write $1, $2 …: SQLite gets ?1, ?2, since its driver binds $n by order of
// appearance, silently. Times go in and out as time.Time and are stored as bigint,
// microseconds since 1970 in UTC (so min(), max() and order work everywhere).
// The types that work on both: text, bigint, boolean, bytea. A migration may have the
// comment "--sqlite: without rowid" at the end of a table (forSQLite tells when it pays).
//
// On SQLite there is one writing connection, and transactions that wait for it share a
// commit (writer.go, turns.go); reads go to read-only connections
// (readers.go). Both speak to the driver directly (lite.go), as the pool of PostgreSQL
// does (pool.go), where statements that come at once share a round trip (lanes.go,
// together.go): database/sql is not between. A statement that starts with "select" reads,
// any other writes.
package db

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"
)

// DB is an open database. Its methods may be called from many goroutines.
type DB struct {
	pool    *pgxpool.Pool // PostgreSQL only
	reader  querier       // the pool, with its lanes, or the readers
	readers *readers      // SQLite only
	writer  *writer       // SQLite only
	stmts   sync.Map

	closing sync.Once
	closed  error
}

// SQLite tells whether this is the embedded database.
func (d *DB) SQLite() bool { return d.writer != nil }

// Ping asks the database whether it answers.
func (d *DB) Ping(ctx context.Context) error {
	if d.pool != nil {
		return d.pool.Ping(ctx)
	}
	var one int
	return d.Row(ctx, `select 1`, nil, &one)
}

// Close ends the connections. Transactions under way finish first, new ones are
// refused. On SQLite the writer goes last, so that it folds the journal into the file.
func (d *DB) Close() error {
	d.closing.Do(func() {
		if d.writer == nil {
			d.pool.Close()
			return
		}
		d.writer.stop()
		d.closed = errors.Join(d.readers.close(), d.writer.close())
	})
	return d.closed
}

// Exec runs one statement that gives no rows and tells how many rows it touched. Outside
// of a transaction it may share one with others, so it should be short, or Apart, and name
// the row it changes by its first argument (together.go).
func (d *DB) Exec(ctx context.Context, query string, args ...any) (touched int64, err error) {
	exec := func(ctx context.Context) error {
		return d.run(ctx, query, func(ctx context.Context, q querier, text string) (err error) {
			touched, err = q.exec(ctx, text, args)
			return err
		})
	}
	if d.writer == nil || d.InTx(ctx) || d.statement(query).reads {
		err = exec(ctx)
		return touched, err
	}
	err = d.writer.tx(ctx, d, job{atomic: true, do: func(ctx context.Context) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return exec(ctx)
	}})
	return touched, translate(err)
}

// Row runs one statement that gives at most one row and scans it into dest.
// Without a row it gives fault.NotFound.
func (d *DB) Row(ctx context.Context, text string, args []any, dest ...any) error {
	return d.run(ctx, text, func(ctx context.Context, q querier, text string) error {
		return q.row(ctx, text, args, dest)
	})
}

// firstRow is Row for a querier that knows no better way.
func firstRow(ctx context.Context, q querier, text string, args, dest []any) error {
	rows, err := q.query(ctx, text, args)
	if err != nil {
		return err
	}
	return scanFirst(rows, dest)
}

// scanFirst reads the first row and closes rows; sql.ErrNoRows where there is none.
func scanFirst(rows rows, dest []any) error {
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return err
		}
		return sql.ErrNoRows
	}
	if err := rows.Scan(dest...); err != nil {
		return err
	}
	return rows.Close()
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
		rows, err := q.query(ctx, text, args)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := outer.Err(); err != nil {
				return err
			}
			one, err := read(rows.Scan)
			if err != nil {
				return err
			}
			all = append(all, one)
		}
		return rows.Err()
	})
	return all, err
}

// Args is short for []any{…} beside Row and Collect.
func Args(args ...any) []any { return args }

// querier runs statements: a connection to SQLite, a pool of connections, a transaction.
type querier interface {
	exec(ctx context.Context, text string, args []any) (touched int64, err error)
	query(ctx context.Context, text string, args []any) (rows, error)
	row(ctx context.Context, text string, args, dest []any) error
}

// rows is what a statement gives, row by row. Close may be called twice.
type rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close() error
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
		return translate(do(ctx, d.reader, st.text))
	}
	return d.bounded(ctx, func(ctx context.Context) error {
		return retry(ctx, func() error { return do(ctx, d.reader, st.text) })
	})
}
