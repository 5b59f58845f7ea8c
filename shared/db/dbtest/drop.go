package dbtest

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A program of the test may be ending a statement still when its schema goes: then the
// two can wait for each other, and PostgreSQL picks one to refuse. So a drop is tried
// again, dropTries times in all, each waiting for locks for dropWaits. A program that
// really hangs outlasts that and is told of.
const (
	dropTries = 4
	dropWaits = 3 * time.Second
)

// drop removes a schema. A program that holds locks in it does not hang the tests: each
// try waits no longer than wait for a lock.
func (s *found) drop(name string, wait time.Duration) error {
	ctx := context.Background()
	conn, err := s.admin.Conn(ctx)
	if err != nil {
		return fmt.Errorf("drop schema: %w", err)
	}
	defer conn.Close()
	for _, text := range []string{fmt.Sprintf("set lock_timeout = %d", wait.Milliseconds()), "set client_min_messages = warning"} {
		if _, err := conn.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
	}
	text := "drop schema if exists " + name + " cascade"
	for tries := 1; ; tries++ {
		_, err := conn.ExecContext(ctx, text)
		switch {
		case err == nil:
			return nil
		case !inTheWay(err) || tries == dropTries:
			return fmt.Errorf("%s: %w, tried %d times (is the program of the test still running?)", text, err, tries)
		}
	}
}

// inTheWay tells whether err says that somebody else's locks were in the way: a deadlock
// (40P01), or a lock that was not to be had in time (55P03).
func inTheWay(err error) bool {
	var refused interface{ SQLState() string }
	if !errors.As(err, &refused) {
		return false
	}
	code := refused.SQLState()
	return code == "40P01" || code == "55P03"
}
