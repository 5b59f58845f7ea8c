package db

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// readTogether runs statements that change nothing in one round trip. Whatever goes wrong
// with one of them takes those behind it along: they are run once more, alone.
func readTogether(ctx context.Context, conn *pgxpool.Conn, all []*call) {
	results := conn.SendBatch(ctx, batchOf(all))
	defer results.Close()
	for i, c := range all {
		rows, err := results.Query()
		if err == nil {
			err = c.read(rows)
			rows.Close()
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			runAgain(all[i:])
			return
		}
		c.err = err
	}
}

// writeTogether runs statements in one transaction and one round trip. None of them is
// told "done" before the commit. When one fails, PostgreSQL undoes all, and each is run
// once more, alone; unless the connection is gone: then nobody knows what became of them,
// as with a statement that was alone.
//
// Two transactions that change the same rows in opposite order would wait for each other.
// Statements here name the row by their first argument, so that is the order.
func writeTogether(ctx context.Context, conn *pgxpool.Conn, all []*call) {
	slices.SortStableFunc(all, func(a, b *call) int { return cmp.Compare(a.key(), b.key()) })
	batch := batchOf([]*call{{text: "begin"}}, all, []*call{{text: "commit"}})
	results := conn.SendBatch(ctx, batch)
	_, err := results.Exec() // of begin
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
		failAll(ctx, all, err)
	}
}

// undone undoes what a transaction that failed has left, and tells whether it is certain
// that nothing of it was kept: the server said so, and is there still.
func undone(ctx context.Context, conn *pgxpool.Conn, err error) bool {
	if err != nil && pgCode(err) == "" || conn.Conn().IsClosed() {
		return false
	}
	if conn.Conn().PgConn().TxStatus() == 'I' { // the commit itself was refused
		return true
	}
	_, err = conn.Exec(ctx, "rollback")
	return err == nil
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

// failAll gives all of them the same error. Time that is up was not their callers'.
func failAll(ctx context.Context, all []*call, err error) {
	if ctx.Err() != nil {
		err = busy(err)
	}
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
