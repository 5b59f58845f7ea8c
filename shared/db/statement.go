package db

import (
	"database/sql/driver"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgtype"

	"tegata/shared/fault"
)

// statement is a query as the database at hand wants it.
type statement struct {
	text  string
	reads bool
}

// statement rewrites a query once; our queries are constants, so the map stays small.
func (d *DB) statement(query string) statement {
	if st, ok := d.stmts.Load(query); ok {
		return st.(statement)
	}
	st := statement{text: query, reads: startsWithSelect(query)}
	if d.SQLite() {
		st.text = rewrite(query)
	}
	d.stmts.Store(query, st)
	return st
}

func startsWithSelect(query string) bool {
	q := strings.TrimLeft(query, " \t\r\n(")
	return len(q) >= 6 && strings.EqualFold(q[:6], "select")
}

// class says what a byte of SQL belongs to.
type class byte

const (
	code class = iota
	quoted
	comment
)

// classify gives the class of every byte; quotes count as quoted.
func classify(text string) []class {
	all := make([]class, len(text))
	now, quote := code, byte(0)
	for i := range len(text) {
		c := text[i]
		switch {
		case now == comment && c == '\n':
			now = code
		case now == code && c == '-' && strings.HasPrefix(text[i:], "--"):
			now = comment
		case now == code && (c == '\'' || c == '"'):
			now, quote = quoted, c
		case now == quoted && c == quote:
			now, all[i] = code, quoted
			continue
		}
		all[i] = now
	}
	return all
}

// rewrite turns $1 into ?1 outside of quotes and comments.
func rewrite(text string) string {
	out := []byte(text)
	classes := classify(text)
	for i, c := range out {
		if c == '$' && classes[i] == code && i+1 < len(out) && out[i+1] >= '0' && out[i+1] <= '9' {
			out[i] = '?'
		}
	}
	return string(out)
}

// onlySQLite begins a comment that is no comment on SQLite: the rest of its line is SQL.
const onlySQLite = "--sqlite: "

// forSQLite uncovers what a migration has for SQLite alone. A line "--sqlite: without
// rowid" between the ")" and the ";" of a table keeps its rows in the tree of the primary
// key. Otherwise a key that is no bigint costs a second tree, which every lookup walks and
// every new row changes.
func forSQLite(text string) string {
	out := []byte(text)
	last := code
	for i, c := range classify(text) {
		if c == comment && last != comment && strings.HasPrefix(text[i:], onlySQLite) {
			copy(out[i:], strings.Repeat(" ", len(onlySQLite)))
		}
		last = c
	}
	return string(out)
}

// split gives the statements of a text, which end with ";", without comments.
func split(text string) []string {
	var all []string
	var one strings.Builder
	end := func() {
		if s := strings.TrimSpace(one.String()); s != "" {
			all = append(all, s)
		}
		one.Reset()
	}
	for i, c := range classify(text) {
		switch {
		case c == code && text[i] == ';':
			end()
		case c != comment:
			one.WriteByte(text[i])
		}
	}
	end()
	return all
}

// bind turns times into microseconds; the slice handed in stays as it was.
func bind(args []any) (out []any, err error) {
	out = make([]any, len(args))
	for i, arg := range args {
		if out[i], err = bindOne(arg); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// bindOne is bind for one argument. Text that PostgreSQL cannot keep is refused on both
// databases: strangers can send it.
func bindOne(arg any) (any, error) {
	switch v := arg.(type) {
	case nil, int, int64, bool, []byte, driver.Valuer:
		return arg, nil
	case string:
		if isText(v) {
			return arg, nil
		}
	case time.Time:
		return v.UnixMicro(), nil
	case *time.Time:
		if v == nil {
			return nil, nil
		}
		return v.UnixMicro(), nil
	default:
		if r := reflect.ValueOf(arg); r.Kind() != reflect.String || isText(r.String()) {
			return arg, nil
		}
	}
	return nil, fault.New(fault.Invalid, "", "text.invalid")
}

func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// scanInto wraps the destinations that are times.
func scanInto(dest []any) []any {
	out := make([]any, len(dest))
	for i, d := range dest {
		switch v := d.(type) {
		case *time.Time:
			out[i] = (*micros)(v)
		case **time.Time:
			out[i] = &maybeMicros{v}
		default:
			out[i] = d
		}
	}
	return out
}

// micros scans a bigint into a time: SQLite's by Scan, pgx's by ScanInt64.
type micros time.Time

func (m *micros) Scan(src any) error {
	n, ok := src.(int64)
	if src != nil && !ok {
		return fmt.Errorf("a %T is no time", src)
	}
	return m.ScanInt64(pgtype.Int8{Int64: n, Valid: ok})
}

func (m *micros) ScanInt64(n pgtype.Int8) error {
	if *m = (micros{}); n.Valid {
		*m = micros(time.UnixMicro(n.Int64).UTC())
	}
	return nil
}

// maybeMicros scans a bigint that may be null into a *time.Time.
type maybeMicros struct{ dest **time.Time }

func (m *maybeMicros) Scan(src any) error {
	if *m.dest = nil; src == nil {
		return nil
	}
	*m.dest = new(time.Time)
	return (*micros)(*m.dest).Scan(src)
}

func (m *maybeMicros) ScanInt64(n pgtype.Int8) error {
	if *m.dest = nil; !n.Valid {
		return nil
	}
	*m.dest = new(time.Time)
	return (*micros)(*m.dest).ScanInt64(n)
}
