package db

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/mattn/go-sqlite3"

	"tegata/shared/fault"
)

var (
	errClosed = errors.New("db: closed")
	// errOver says that somebody kept the context of a transaction for later.
	errOver = errors.New("db: this transaction is over")
	// errGone ends a transaction whose goroutine left without returning: a panic, or
	// a test that calls t.FailNow inside Tx.
	errGone = errors.New("db: transaction abandoned")
	// errUndone says that SQLite itself undid the transaction: the disk is full or broken.
	errUndone = errors.New("db: the database undid the transaction")
)

// comeBack is what we tell a person when the database is away or overloaded.
const comeBack = 2 * time.Second

// translate turns what the drivers say into our kinds, here and nowhere else.
func translate(err error) error {
	switch {
	case err == nil, fault.Of(err) != nil, errors.Is(err, context.Canceled):
		return err
	case errors.As(err, new(*pgconn.ConnectError)): // too slow, perhaps, by connectFor and not by the caller's deadline
		return busy(err)
	case errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, sql.ErrNoRows):
		return fault.Wrap(fault.NotFound, "not_found", err)
	case unique(err):
		return fault.Wrap(fault.Conflict, "conflict", err)
	case badText(err):
		return fault.Wrap(fault.Invalid, "text.invalid", err)
	case away(err), again(err):
		return busy(err)
	}
	return err
}

func busy(cause error) error {
	f := fault.Wrap(fault.Busy, "db.busy", cause)
	f.RetryAfter = comeBack
	return f
}

// pgCode gives the SQLSTATE of err, "" when PostgreSQL did not say it.
func pgCode(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// unique tells whether err says that a unique index refused a row.
func unique(err error) bool {
	var lite sqlite3.Error
	if errors.As(err, &lite) {
		return lite.ExtendedCode == sqlite3.ErrConstraintUnique || lite.ExtendedCode == sqlite3.ErrConstraintPrimaryKey
	}
	return pgCode(err) == "23505"
}

// badText tells whether err says that a text holds what a text cannot hold.
func badText(err error) bool { return pgCode(err) == "22021" }

// noTable tells whether err says that there is no such table.
func noTable(err error) bool {
	var lite sqlite3.Error
	if errors.As(err, &lite) {
		return strings.HasPrefix(lite.Error(), "no such table")
	}
	return pgCode(err) == "42P01"
}

// again tells whether a transaction failed only because of its neighbours and may
// be run once more: serialization failure, deadlock (PostgreSQL, CockroachDB,
// YugabyteDB), or a connection of the pool that had broken before anything was sent.
func again(err error) bool {
	code := pgCode(err)
	return code == "40001" || code == "40P01" || pgconn.SafeToRetry(err)
}

// away tells whether err says that the database cannot be reached or cannot serve us
// now, which ends by itself (F-14).
func away(err error) bool {
	var lite sqlite3.Error
	if errors.As(err, &lite) {
		return lite.Code == sqlite3.ErrBusy || lite.Code == sqlite3.ErrLocked
	}
	switch code := pgCode(err); {
	case strings.HasPrefix(code, "08"), // connection exceptions
		code == "53300",                                   // too many connections
		code == "55P03",                                   // a lock was not available in time
		code == "57P01", code == "57P02", code == "57P03": // stopping or starting
		return true
	}
	var network *net.OpError
	return errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF)
}
