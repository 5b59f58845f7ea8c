package config

import (
	"errors"
	"io/fs"
	"log/slog"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"tegata/shared/secret"
)

// Secret is a value that must not be seen. A field password has the keys password and
// password_file; the variables likewise. It prints as "(set)" or "".
//
// With the tag `missing:"ok"` the file need not exist yet: the program makes it in
// development, and Validate decides what a missing one means.
type Secret struct {
	File       string // where it was read from, or would be
	Written    bool   // it stands in the YAML file itself, which only development may do
	text       string
	noSuchFile bool
}

var secretType = reflect.TypeFor[Secret]()

// NewSecret wraps a value, for defaults and tests.
func NewSecret(text string) Secret { return Secret{text: text} }

// SecretFile is the default of a secret that is kept in a file.
func SecretFile(path string) Secret { return Secret{File: path} }

// Reveal gives the value, "" when it is not set.
func (s Secret) Reveal() string { return s.text }

// Missing tells whether a file is named that does not exist.
func (s Secret) Missing() bool { return s.noSuchFile }

// String hides the value.
func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return "(set)"
}

// GoString hides it from %#v too.
func (s Secret) GoString() string { return s.String() }

// LogValue hides it from logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides it from JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// decodeSecret reads the key itself, or the one with _file.
func (l *loader) decodeSecret(path string, node ast.Node, v reflect.Value, isFile bool) {
	var text string
	l.decode(path, node, reflect.ValueOf(&text).Elem())
	if l.broken[path] {
		return
	}
	beside := path + "_file"
	if isFile {
		beside = strings.TrimSuffix(path, "_file")
	}
	if _, both := l.at[beside]; both {
		l.mistake(path, node, "stands beside %s; remove one of them", last(beside))
		return
	}
	if isFile {
		v.Set(reflect.ValueOf(Secret{File: text}))
		return
	}
	v.Set(reflect.ValueOf(Secret{text: text, Written: true}))
}

// secretFromEnviron takes NAME or NAME_FILE.
func (l *loader) secretFromEnviron(at, name string, v reflect.Value, given map[string]string) {
	text, plain := given[name]
	file, named := given[name+"_FILE"]
	delete(given, name)
	delete(given, name+"_FILE")
	switch {
	case plain && named:
		l.problems = append(l.problems, Problem{Path: at, Variable: name, Message: "is set beside " + name + "_FILE; remove one of them"})
	case plain:
		l.from[at] = name
		v.Set(reflect.ValueOf(Secret{text: text}))
	case named:
		l.from[at], l.from[at+"_file"] = name+"_FILE", name+"_FILE"
		v.Set(reflect.ValueOf(Secret{File: file}))
	}
}

// readSecrets reads the files that secrets name.
func (l *loader) readSecrets(v reflect.Value) { l.readSecretsBelow("", v) }

func (l *loader) readSecretsBelow(path string, v reflect.Value) {
	if v.Kind() != reflect.Struct {
		return
	}
	for _, f := range fields(v) {
		at := join(path, f.name)
		if f.value.Type() != secretType {
			if f.value.Kind() == reflect.Struct && !isScalar(f.value) {
				l.readSecretsBelow(at, f.value)
			}
			continue
		}
		l.readSecret(at, f.value.Addr().Interface().(*Secret), f.tag.Get("missing") == "ok")
	}
}

func (l *loader) readSecret(at string, s *Secret, mayMiss bool) {
	if s.File == "" || s.text != "" {
		return
	}
	text, err := secret.ReadFile(s.File)
	s.text, s.noSuchFile = text, errors.Is(err, fs.ErrNotExist)
	switch {
	case s.noSuchFile && mayMiss:
	case err != nil:
		l.secretMistake(at, err.Error())
	case text == "":
		l.secretMistake(at, s.File+" is empty")
	}
}

func (l *loader) secretMistake(at, message string) {
	p := Problem{Path: at + "_file", Message: message, Variable: l.from[at]}
	if pos, ok := l.at[at+"_file"]; ok && p.Variable == "" {
		p.Line, p.Column = pos.line, pos.column
	}
	l.spoil(at)
	l.spoil(at + "_file")
	l.problems = append(l.problems, p)
}
