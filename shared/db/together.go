package db

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// readTogether runs statements that change nothing in one round trip. Whatever goes wrong
// with one of them takes those behind it along, or all: they are run once more, alone. What
// a transaction read that cannot be serialized counts for nothing, so that takes all.
func readTogether(ctx context.Context, conn *pgxpool.Conn, all []*call) {
	results := conn.SendBatch(ctx, batchOf(all))
	for i, c := range all {
		rows, err := results.Query()
		if err == nil {
			err = c.readOrSay(rows)
			rows.Close()
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			if pgCode(err) == "40001" {
				i = 0
			}
			runAgain(all[i:])
			break
		}
		c.err = err
	}
	if err := results.Close(); err != nil && !all[len(all)-1].again { // the transaction could not end
		runAgain(all)
	}
}

// writeTogether runs statements in one transaction and one round trip. None of them is
// told "done" before the commit. When one fails, PostgreSQL undoes all, and each is run
// once more, alone. Where nobody knows what became of them all are told that we are busy:
// the error itself may be one caller's own. A lock that somebody else holds is waited for
// as long as a lane is (patience); then whoever needs it waits alone, and holds up nobody.
//
// Two transactions that change the same rows in opposite order would wait for each other.
// Statements here name the row by their first argument, so that is the order.
func writeTogether(ctx context.Context, conn *pgxpool.Conn, all []*call) {
	slices.SortStableFunc(all, func(a, b *call) int {
		return cmp.Or(cmp.Compare(a.key(), b.key()), cmp.Compare(a.text, b.text))
	})
	results := conn.SendBatch(ctx, batchOf(opening, all, []*call{{text: "commit"}}))
	var err error
	for range opening {
		_, failed := results.Exec()
		err = cmp.Or(err, failed)
	}
	for _, c := range all {
		if err != nil {
			break
		}
		touched, failed := results.Exec()
		c.touched, err = touched.RowsAffected(), failed
	}
	committed := false
	if err == nil {
		done, failed := results.Exec()
		committed, err = failed == nil && done.String() == "COMMIT", failed
	}
	err = cmp.Or(err, results.Close())
	switch {
	case committed:
		for _, c := range all {
			c.err = nil
		}
	case undone(ctx, conn, err):
		runAgain(all)
	default:
		failAll(all, busy(cmp.Or(err, errUndone)))
	}
}

// opening begins the transaction of a company.
var opening = []*call{{text: "begin"}, {text: fmt.Sprintf("set local lock_timeout = %d", patience.Milliseconds())}}

// undone tells whether it is certain that nothing was kept of a transaction that failed.
// The server said so and is there still, or nothing was sent. A commit that was refused
// is certain too, unless the server does not know itself.
func undone(ctx context.Context, conn *pgxpool.Conn, err error) bool {
	if errors.As(err, new(pgx.ErrPreprocessingBatch)) {
		return true
	}
	code := pgCode(err)
	if err != nil && code == "" || conn.Conn().IsClosed() || code == "40003" || strings.HasPrefix(code, "08") {
		return false
	}
	if conn.Conn().PgConn().TxStatus() != 'I' {
		conn.Exec(ctx, "rollback") // or the pool gives the connection up, which undoes it as well
	}
	return true
}

func batchOf(lists ...[]*call) *pgx.Batch {
	batch := new(pgx.Batch)
	for _, list := range lists {
		for _, c := range list {
			batch.Queue(c.text, c.args...)
		}
	}
	return batch
}

func runAgain(all []*call) {
	for _, c := range all {
		c.again, c.touched = true, 0
	}
}

func failAll(all []*call, err error) {
	for _, c := range all {
		c.err, c.touched = err, 0
	}
}

// key is the statement's first argument.
func (c *call) key() string {
	if len(c.args) == 0 {
		return ""
	}
	key, _ := c.args[0].(string)
	return key
}

// readOrSay makes an error of a panic: the goroutine is another caller's. Run alone, it
// panics in its own.
func (c *call) readOrSay(rows pgx.Rows) (err error) {
	defer func() {
		if recover() != nil {
			err = errGone
		}
	}()
	return c.read(rows)
}
