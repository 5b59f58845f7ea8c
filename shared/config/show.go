package config

import (
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"

	"tegata/shared/db"
)

// Show writes the configuration in force as YAML that Load would read, with secrets
// left out: of a database's URL its passwords, of anything else all.
func Show(w io.Writer, configuration any) error {
	return show(w, "", addressable(configuration))
}

// addressable copies v, so that its fields can be asked for their methods.
func addressable(configuration any) reflect.Value {
	v := reflect.New(reflect.TypeOf(configuration)).Elem()
	v.Set(reflect.ValueOf(configuration))
	return v
}

func show(w io.Writer, indent string, v reflect.Value) error {
	for _, f := range fields(v) {
		if err := showField(w, indent, f); err != nil {
			return err
		}
	}
	return nil
}

func showField(w io.Writer, indent string, f field) error {
	if f.value.Type() == secretType {
		return showSecret(w, indent, f)
	}
	if f.value.Kind() == reflect.Struct && !isScalar(f.value) {
		if _, err := fmt.Fprintf(w, "%s%s:\n", indent, f.name); err != nil {
			return err
		}
		return show(w, indent+"  ", f.value)
	}
	value := f.value.Interface()
	if text, ok := value.(fmt.Stringer); ok {
		value = text.String()
	}
	text, err := yaml.MarshalWithOptions(value, yaml.Flow(true))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s%s: %s\n", indent, f.name, strings.TrimSpace(string(text)))
	return err
}

func showSecret(w io.Writer, indent string, f field) error {
	s := f.value.Interface().(Secret)
	var err error
	switch {
	case s.File != "":
		_, err = fmt.Fprintf(w, "%s%s_file: %s\n", indent, f.name, s.File)
	case s.text != "":
		_, err = fmt.Fprintf(w, "%s%s: %s\n", indent, f.name, public(s.text))
	}
	return err
}

// public gives what of a secret may be seen.
func public(text string) string {
	switch scheme, _, _ := strings.Cut(text, ":"); scheme {
	case "sqlite", "postgres", "postgresql":
		return db.Redact(text)
	}
	return `"(set)"`
}
