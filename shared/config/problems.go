package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Problem is one mistake.
type Problem struct {
	Path         string // mail.smtp.host, clients[0].redirect_uris[1]; "" for the whole file
	Message      string // what is wrong and what would be right
	Line, Column int    // in the file, from 1; 0 when the file does not have the key
	Variable     string // the environment variable that sets the key

	File    string // where it stands, when that is another file than the configuration
	Serving bool   // only serve goes by it: verbs that read the database do without
}

// String tells where and what: "12:3 mail.transport: …".
func (p Problem) String() string {
	if p.Path != "" {
		return p.Where() + ": " + p.Message
	}
	return p.origin() + p.Message
}

// Where is the first part of String: "12:3 mail.transport".
func (p Problem) Where() string { return p.origin() + p.Path }

// origin tells the file, the line or the variable, with a blank after it.
func (p Problem) origin() string {
	switch {
	case p.File != "" && p.Line > 0:
		return fmt.Sprintf("%s:%d:%d ", p.File, p.Line, p.Column)
	case p.File != "":
		return p.File + " "
	case p.Variable != "":
		return p.Variable + " "
	case p.Line > 0:
		return fmt.Sprintf("%d:%d ", p.Line, p.Column)
	}
	return ""
}

// Problems collects mistakes; its methods in check.go find the common ones.
type Problems []Problem

// Add notes a mistake about the key.
func (p *Problems) Add(path, format string, args ...any) {
	*p = append(*p, Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

// sorted puts them in the order of the file; what has no line comes last, and after that
// what stands in other files.
func (p Problems) sorted() Problems {
	line := func(x Problem) int {
		if x.Line == 0 {
			return maxFile
		}
		return x.Line
	}
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(line(a), line(b)), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Path, b.Path))
	})
	return p
}

// Mistakes is the error of Load and Read.
type Mistakes struct {
	File     string
	Problems Problems
}

// Serving tells whether only serve goes by what is wrong.
func (m *Mistakes) Serving() bool {
	return !slices.ContainsFunc(m.Problems, func(p Problem) bool { return !p.Serving })
}

// Add puts more mistakes among them.
func (m *Mistakes) Add(more Problems) { m.Problems = append(m.Problems, more...).sorted() }

// Error tells all of them, one per line.
func (m *Mistakes) Error() string {
	var b strings.Builder
	if len(m.Problems) == 1 {
		fmt.Fprintf(&b, "%s: 1 mistake", m.File)
	} else {
		fmt.Fprintf(&b, "%s: %d mistakes", m.File, len(m.Problems))
	}
	for _, p := range m.Problems {
		b.WriteString("\n  " + p.String())
	}
	return b.String()
}

// syntaxProblem takes line and message out of the parser's error.
func syntaxProblem(err error) Problem {
	var syntax yaml.Error
	if errors.As(err, &syntax) {
		p := Problem{Message: syntax.GetMessage()}
		if t := syntax.GetToken(); t != nil && t.Position != nil {
			p.Line, p.Column = t.Position.Line, t.Position.Column
		}
		return p
	}
	return Problem{Message: err.Error()}
}
