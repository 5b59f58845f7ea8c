// Package arch has no code of its own: its test reads every Go file of the tree and
// checks the arrows between packages, where net/http and SQL may stand, and the
// budgets for files and functions. The README of each program draws the arrows;
// arch_test.go is the same picture as a table.
package arch
