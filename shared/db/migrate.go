package db

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"
)

// migrationLock is the advisory lock under which PostgreSQL nodes migrate: "tegata".
const migrationLock = 0x746567617461

// migrateFor is the deadline of all migrations together; a new index may take long.
const migrateFor = 12 * time.Hour

// Migration is one numbered file: 0001_accounts.sql.
type Migration struct {
	Number int
	Name   string
	text   string
}

// Migrations reads the numbered files of a schema folder, in order. Gaps and
// doubles are mistakes.
func Migrations(schema fs.FS) ([]Migration, error) {
	names, err := fs.Glob(schema, "*.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	all := make([]Migration, len(names))
	for i, name := range names {
		number, _, _ := strings.Cut(name, "_")
		n, err := strconv.Atoi(number)
		if err != nil || n != i+1 {
			return nil, fmt.Errorf("migration %s: want number %04d", name, i+1)
		}
		text, err := fs.ReadFile(schema, name)
		if err != nil {
			return nil, err
		}
		all[i] = Migration{n, strings.TrimSuffix(name, ".sql"), string(text)}
	}
	return all, nil
}

// Migrate applies the files that the database lacks and names them. It does so in
// one transaction under a lock: of two nodes that start at once one migrates and the
// other waits, and a node killed half way leaves the old schema. It refuses a
// database that is newer than the program.
func (d *DB) Migrate(ctx context.Context, schema fs.FS, now time.Time) (applied []string, err error) {
	all, err := Migrations(schema)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, migrateFor)
	defer cancel()
	err = d.Tx(ctx, func(ctx context.Context) error {
		applied = nil
		have, err := d.lockAndCount(ctx)
		if err != nil {
			return err
		}
		if have > len(all) {
			return fmt.Errorf("the database has migration %04d, this program knows only %04d: start the newer program", have, len(all))
		}
		for _, m := range all[have:] {
			if err := d.apply(ctx, m, now); err != nil {
				return fmt.Errorf("migration %s: %w", m.Name, err)
			}
			applied = append(applied, m.Name)
		}
		return nil
	})
	return applied, err
}

// Pending counts the files that the database lacks, without changing anything: all of
// them in an empty database, less than none in one that is newer than the program.
func (d *DB) Pending(ctx context.Context, schema fs.FS) (int, error) {
	all, err := Migrations(schema)
	if err != nil {
		return 0, err
	}
	var have int
	err = d.Row(ctx, `select count(*) from schema_migrations`, nil, &have)
	if err != nil && !noTable(err) {
		return 0, err
	}
	return len(all) - have, nil
}

func (d *DB) lockAndCount(ctx context.Context) (have int, err error) {
	if !d.SQLite() { // SQLite: begin immediate is the lock
		if _, err := d.Exec(ctx, `select pg_advisory_xact_lock($1)`, int64(migrationLock)); err != nil {
			return 0, err
		}
	}
	_, err = d.Exec(ctx, `
		create table if not exists schema_migrations (
			number     bigint primary key,
			name       text not null,
			applied_at bigint not null
		)`)
	if err != nil {
		return 0, err
	}
	err = d.Row(ctx, `select count(*) from schema_migrations`, nil, &have)
	return have, err
}

// apply runs the statements of one file.
func (d *DB) apply(ctx context.Context, m Migration, now time.Time) error {
	text := m.text
	if d.SQLite() {
		text = forSQLite(text)
	}
	for _, text := range split(text) {
		if _, err := d.Exec(ctx, text); err != nil {
			return err
		}
	}
	_, err := d.Exec(ctx, `insert into schema_migrations (number, name, applied_at) values ($1, $2, $3)`,
		m.Number, m.Name, now)
	return err
}
