// Package config reads a YAML file into a struct, strictly, and tells every mistake
// at once, each with its key path and, where known, its line (F-30).
//
//	Load       defaults, then the file, then the environment, then Validate
//	Read       a file alone, for lists such as the clients
//	Duration   "7d", "90s"
//	Secret     a value that comes from a 0600 file or the environment and never prints
//	Problems   mistakes, and the checks that find them (problems.go, check.go)
//	Program    the keys that both programs share, with the rules of development
//	TLS        the keys of a program that serves https itself (tls.go, mutual.go)
//	Show       the configuration in force, secrets left out
//
// A key of the file is the path of yaml tags: mail.smtp.host. Each key has a variable:
// with prefix TEGATA_IDP it is TEGATA_IDP_MAIL_SMTP_HOST; lists are separated by
// commas. A variable with the prefix that names no key is a mistake like an unknown
// key is. Anchors, merge keys and tags of YAML are refused: a configuration that must
// be executed in the head is none.
package config

import (
	"fmt"
	"os"
	"reflect"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxFile is the longest file read, in bytes; ours have a hundredth of it.
const maxFile = 1 << 20

// Validator is a configuration that checks itself once everything is read.
type Validator interface{ Validate() []Problem }

// Load reads the file at path over the defaults, then the variables of environ that
// begin with prefix and "_", and validates the result. The error is Problems.
func Load[T any](path string, environ []string, prefix string, defaults T) (T, error) {
	l := loader{file: path, at: map[string]position{}, from: map[string]string{}}
	v := reflect.ValueOf(&defaults).Elem()
	if l.readFile(v); l.unread { // what it lacks then says nothing
		return defaults, l.err()
	}
	l.readEnviron(v, environ, prefix)
	l.readSecrets(v)
	if check, ok := any(&defaults).(Validator); ok {
		l.validate(check)
	}
	return defaults, l.err()
}

// Read reads the file at path into a T, without environment. The error is Problems.
func Read[T any](path string) (T, error) {
	var value T
	value, err := Load(path, nil, "", value)
	return value, err
}

// loader holds what one Load has seen.
type loader struct {
	file     string
	at       map[string]position // key path → where the file sets it
	from     map[string]string   // key path → the variable that sets it
	broken   map[string]bool     // key paths that could not be read; Validate need not mention them
	unread   bool                // the file could not even be opened
	problems Problems
}

type position struct{ line, column int }

// mistake notes a problem of a key that could not be read.
func (l *loader) mistake(path string, node ast.Node, format string, args ...any) {
	p := Problem{Path: path, Message: fmt.Sprintf(format, args...)}
	if node != nil {
		if t := node.GetToken(); t != nil && t.Position != nil {
			p.Line, p.Column = t.Position.Line, t.Position.Column
		}
	}
	l.spoil(path)
	l.problems = append(l.problems, p)
}

func (l *loader) spoil(path string) {
	if l.broken == nil {
		l.broken = map[string]bool{}
	}
	l.broken[path] = true
}

// readFile parses the file and hands its mapping to decode.
func (l *loader) readFile(into reflect.Value) {
	text, err := os.ReadFile(l.file)
	if err == nil {
		err = unchangeable(l.file)
	}
	switch {
	case err != nil:
		l.unread = true
		l.mistake("", nil, "%v", err)
		return
	case len(text) > maxFile:
		l.mistake("", nil, "the file has %d bytes, more than %d", len(text), maxFile)
		return
	case !utf8.Valid(text):
		l.mistake("", nil, "the file is not UTF-8")
		return
	}
	file, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey()) // doubles are reported with the rest
	if err != nil {
		l.problems = append(l.problems, syntaxProblem(err))
		return
	}
	switch bodies := bodies(file); len(bodies) {
	case 0: // all defaults
	case 1:
		l.decode("", bodies[0], into)
	default:
		l.mistake("", bodies[1], "the file has %d documents (---), want one", len(bodies))
	}
}

func bodies(file *ast.File) []ast.Node {
	var all []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil && doc.Body.Type() != ast.CommentType {
			all = append(all, doc.Body)
		}
	}
	return all
}

// validate adds what the configuration finds wrong with itself, except about keys
// that were not read at all.
func (l *loader) validate(check Validator) {
	for _, p := range check.Validate() {
		if l.broken[p.Path] {
			continue
		}
		if at, ok := l.at[p.Path]; ok {
			p.Line, p.Column = at.line, at.column
		}
		if name, ok := l.from[p.Path]; ok {
			p.Line, p.Column, p.Variable = 0, 0, name
		}
		l.problems = append(l.problems, p)
	}
}

func (l *loader) err() error {
	if len(l.problems) == 0 {
		return nil
	}
	return &Mistakes{File: l.file, Problems: l.problems.sorted()}
}
