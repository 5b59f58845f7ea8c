package config

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// decodeScalar reads one value of the file. Types are not bent: a number is no text
// and "yes" is no bool, since what looks right is then read right.
func (l *loader) decodeScalar(path string, node ast.Node, v reflect.Value) {
	var text string
	switch n := node.(type) {
	case *ast.NullNode:
		l.mistake(path, node, "the key has no value; give it one or remove the line")
		return
	case *ast.StringNode:
		text = n.Value
	case *ast.LiteralNode:
		text = n.Value.Value
	case *ast.BoolNode:
		text = strconv.FormatBool(n.Value)
	case *ast.IntegerNode:
		text = fmt.Sprint(n.Value)
	case *ast.FloatNode:
		text = n.Token.Value
	default:
		l.mistake(path, node, "want one value, found %s", describe(node))
		return
	}
	if want, ok := fits(node, v); !ok {
		l.mistake(path, node, "want %s, found %s", want, describe(node))
		return
	}
	if err := setText(v, text); err != nil {
		l.mistake(path, node, "%v", err)
	}
}

// fits tells whether the file's own type is the one that v has.
func fits(node ast.Node, v reflect.Value) (want string, ok bool) {
	if _, own := v.Addr().Interface().(encoding.TextUnmarshaler); own {
		return "", true
	}
	switch v.Kind() {
	case reflect.Bool:
		_, ok = node.(*ast.BoolNode)
		return "true or false", ok
	case reflect.Int, reflect.Int64:
		_, ok = node.(*ast.IntegerNode)
		return "a whole number", ok
	}
	switch node.(type) {
	case *ast.StringNode, *ast.LiteralNode:
		return "", true
	}
	return "text (put it in quotes)", false
}

// setText sets v from the text of a file or a variable.
func setText(v reflect.Value, text string) error {
	if own, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return own.UnmarshalText([]byte(text))
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		if text != "true" && text != "false" {
			return fmt.Errorf("want true or false, found %q", text)
		}
		v.SetBool(text == "true")
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("want a whole number, found %q", text)
		}
		v.SetInt(n)
	default:
		panic(fmt.Sprintf("config: no key can have type %s", v.Type()))
	}
	return nil
}

// Duration is a span of time, written "90s", "12h", "7d" or "1d12h"; d is 24 hours.
type Duration time.Duration

// errDuration says what would be right.
var errDuration = errors.New(`want a duration such as "90s", "15m", "12h" or "7d"`)

// UnmarshalText reads a duration; negative ones are mistakes.
func (d *Duration) UnmarshalText(text []byte) error {
	s := string(text)
	var sum time.Duration
	if days, rest, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return fmt.Errorf("%w, found %q", errDuration, s)
		}
		sum, s = time.Duration(n)*24*time.Hour, rest
		if rest == "" {
			*d = Duration(sum)
			return nil
		}
	}
	part, err := time.ParseDuration(s)
	if err != nil || part < 0 || strings.ContainsAny(s, "+-") {
		return fmt.Errorf("%w, found %q", errDuration, string(text))
	}
	*d = Duration(sum + part)
	return nil
}

// String writes d as UnmarshalText reads it.
func (d Duration) String() string {
	days, rest := time.Duration(d)/(24*time.Hour), time.Duration(d)%(24*time.Hour)
	switch {
	case days > 0 && rest == 0:
		return fmt.Sprintf("%dd", days)
	case days > 0:
		return fmt.Sprintf("%dd%s", days, rest)
	}
	text := rest.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
