package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"

	"github.com/mattn/go-sqlite3"
)

// lite is one connection to a SQLite database with its prepared statements, for one
// goroutine at a time. It speaks to the driver without database/sql, whose pool, locks
// and conversions cost more than most of our statements.
type lite struct {
	raw   *sqlite3.SQLiteConn
	ready map[string]*liteStmt
}

// liteStmt is a prepared statement: preparing costs SQLite as much as running.
type liteStmt struct {
	raw    *sqlite3.SQLiteStmt
	values []driver.Value // of the row at hand, one for each column
}

func openLite(name string) (*lite, error) {
	conn, err := (&sqlite3.SQLiteDriver{}).Open(name)
	if err != nil {
		return nil, err
	}
	return &lite{raw: conn.(*sqlite3.SQLiteConn), ready: map[string]*liteStmt{}}, nil
}

func (l *lite) stmt(text string) (*liteStmt, error) {
	if st := l.ready[text]; st != nil {
		return st, nil
	}
	raw, err := l.raw.Prepare(text)
	if err != nil {
		return nil, err
	}
	st := &liteStmt{raw: raw.(*sqlite3.SQLiteStmt)}
	l.ready[text] = st
	return st, nil
}

// exec runs a statement to its end. It cannot be interrupted, and no context is needed.
func (l *lite) exec(_ context.Context, text string, args []any) (touched int64, err error) {
	st, err := l.stmt(text)
	if err != nil {
		return 0, err
	}
	bound, err := bindLite(args)
	if err != nil {
		return 0, err
	}
	res, err := st.raw.ExecContext(context.Background(), bound)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// query runs a statement until its first row.
func (l *lite) query(_ context.Context, text string, args []any) (rows, error) {
	return l.rows(text, args)
}

func (l *lite) row(ctx context.Context, text string, args, dest []any) error {
	return firstRow(ctx, l, text, args, dest)
}

func (l *lite) rows(text string, args []any) (*liteRows, error) {
	st, err := l.stmt(text)
	if err != nil {
		return nil, err
	}
	bound, err := bindLite(args)
	if err != nil {
		return nil, err
	}
	raw, err := st.raw.QueryContext(context.Background(), bound)
	if err != nil {
		return nil, err
	}
	if n := len(raw.Columns()); n != len(st.values) { // the first time, or the schema changed
		st.values = make([]driver.Value, n)
	}
	return &liteRows{raw: raw, values: st.values}, nil
}

// close ends the statements, which hold the connection open otherwise.
func (l *lite) close() error {
	for _, st := range l.ready {
		st.raw.Close()
	}
	l.ready = map[string]*liteStmt{}
	return l.raw.Close()
}

// bindLite is bind for the driver.
func bindLite(args []any) ([]driver.NamedValue, error) {
	all := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		value, err := bindOne(arg)
		if err != nil {
			return nil, err
		}
		switch value.(type) {
		case nil, int64, bool, []byte, string:
		default:
			if value, err = driver.DefaultParameterConverter.ConvertValue(value); err != nil {
				return nil, err
			}
		}
		all[i] = driver.NamedValue{Ordinal: i + 1, Value: value}
	}
	return all, nil
}

// liteRows walks through what a statement gives.
type liteRows struct {
	raw    driver.Rows // nil once closed
	values []driver.Value
	err    error
}

func (r *liteRows) Next() bool {
	if r.raw == nil {
		return false
	}
	if r.err = r.raw.Next(r.values); r.err == nil {
		return true
	}
	if errors.Is(r.err, io.EOF) {
		r.err = nil
	}
	return false
}

func (r *liteRows) Scan(dest ...any) error { return assignAll(dest, r.values) }

func (r *liteRows) Err() error { return r.err }

// Close resets the statement, so that it holds on to no state of the database.
func (r *liteRows) Close() error {
	if r.raw == nil {
		return nil
	}
	err := r.raw.Close()
	clear(r.values)
	r.raw = nil
	return err
}
