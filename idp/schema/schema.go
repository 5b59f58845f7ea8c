// Package schema is the timeline of all tables of the provider: NNNN_name.sql, one
// sequence for SQLite and PostgreSQL. A file that was shipped is never edited; a
// change is a new file. db.Migrate applies what a database lacks.
//
//	FS   the files
package schema

import "embed"

// FS holds the numbered files.
//
//go:embed *.sql
var FS embed.FS
