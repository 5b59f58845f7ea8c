// Package schema holds the tables of the tracker as numbered files, one timeline
// for both databases. A shipped file is never edited: a change is a new file.
//
//	0001_mechanisms.sql  the tables of shared mechanisms and of the key ring
//	0002_candidates.sql  candidates, external IDs, addresses, settings, tracker sessions
//	0004_keys_and_certificates.sql  more tables of shared mechanisms
package schema

import "embed"

// FS holds the files for db.Migrate.
//
//go:embed *.sql
var FS embed.FS
