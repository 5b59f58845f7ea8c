package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"tegata/shared/levenshtein"
)

// field is one key of a struct: fields with a yaml tag; "inline" lifts those of an
// embedded struct up.
type field struct {
	name  string
	value reflect.Value
	tag   reflect.StructTag
}

// fields lists the keys of a struct in the order of the declaration.
func fields(v reflect.Value) []field {
	var all []field
	t := v.Type()
	for i := range t.NumField() {
		name, option, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		switch {
		case option == "inline":
			all = append(all, fields(v.Field(i))...)
		case name != "" && name != "-":
			all = append(all, field{name, v.Field(i), t.Field(i).Tag})
		}
	}
	return all
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// decode reads a node of the file into v. Mistakes are noted and the rest is read on.
func (l *loader) decode(path string, node ast.Node, v reflect.Value) {
	if at := node.GetToken(); at != nil && at.Position != nil {
		l.at[path] = position{at.Position.Line, at.Position.Column}
	}
	switch node.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		l.mistake(path, node, "anchors, aliases and tags of YAML are not supported; write the value out")
		return
	}
	switch {
	case isScalar(v):
		l.decodeScalar(path, node, v)
	case v.Kind() == reflect.Struct:
		l.decodeStruct(path, node, v)
	case v.Kind() == reflect.Slice:
		l.decodeSlice(path, node, v)
	case v.Kind() == reflect.Map:
		l.decodeMap(path, node, v)
	default:
		panic(fmt.Sprintf("config: %s has type %s, which no key can have", path, v.Type()))
	}
}

// isScalar tells whether v is written as one value.
func isScalar(v reflect.Value) bool {
	if _, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return true
	}
	switch v.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int64:
		return true
	}
	return false
}

// entries gives the keys and values of a mapping; ok is false for anything else.
func entries(node ast.Node) (all []*ast.MappingValueNode, ok bool) {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	case *ast.NullNode: // a section whose keys are all commented out
		return nil, true
	}
	return nil, false
}

func (l *loader) decodeStruct(path string, node ast.Node, v reflect.Value) {
	values, ok := entries(node)
	if !ok {
		l.mistake(path, node, "want a section with keys below it, found %s", describe(node))
		return
	}
	known, names := l.keysOf(v)
	seen := map[string]bool{}
	for _, entry := range values {
		name := keyText(entry.Key)
		at := join(path, name)
		read, ok := known[name]
		switch {
		case !ok:
			l.mistake(at, entry.Key, "there is no such key%s", suggest(name, names))
		case seen[name]:
			l.mistake(at, entry.Key, "the key stands here a second time")
		default:
			read(at, entry.Value)
		}
		seen[name] = true
	}
}

// keysOf gives for each key of a struct what reads its value; a secret has two.
func (l *loader) keysOf(v reflect.Value) (known map[string]func(path string, node ast.Node), names []string) {
	known = map[string]func(string, ast.Node){}
	add := func(name string, read func(string, ast.Node)) {
		known[name], names = read, append(names, name)
	}
	for _, f := range fields(v) {
		if f.value.Type() != secretType {
			add(f.name, func(path string, node ast.Node) { l.decode(path, node, f.value) })
			continue
		}
		add(f.name, func(path string, node ast.Node) { l.decodeSecret(path, node, f.value, false) })
		add(f.name+"_file", func(path string, node ast.Node) { l.decodeSecret(path, node, f.value, true) })
	}
	return known, names
}

func keyText(key ast.MapKeyNode) string {
	if s, ok := key.(*ast.StringNode); ok {
		return s.Value
	}
	return key.String()
}

func (l *loader) decodeSlice(path string, node ast.Node, v reflect.Value) {
	if _, empty := node.(*ast.NullNode); empty {
		v.SetZero()
		return
	}
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		l.mistake(path, node, "want a list, found %s", describe(node))
		return
	}
	all := reflect.MakeSlice(v.Type(), len(list.Values), len(list.Values))
	for i, element := range list.Values {
		l.decode(fmt.Sprintf("%s[%d]", path, i), element, all.Index(i))
	}
	v.Set(all)
}

func (l *loader) decodeMap(path string, node ast.Node, v reflect.Value) {
	values, ok := entries(node)
	if !ok {
		l.mistake(path, node, "want names with values, found %s", describe(node))
		return
	}
	all := reflect.MakeMap(v.Type())
	for _, entry := range values {
		name := keyText(entry.Key)
		at := join(path, name)
		if all.MapIndex(reflect.ValueOf(name)).IsValid() {
			l.mistake(at, entry.Key, "the key stands here a second time")
			continue
		}
		element := reflect.New(v.Type().Elem()).Elem()
		l.decode(at, entry.Value, element)
		all.SetMapIndex(reflect.ValueOf(name), element)
	}
	v.Set(all)
}

// describe names the kind of a node for people.
func describe(node ast.Node) string {
	switch n := node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a section"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "nothing"
	case *ast.StringNode:
		return fmt.Sprintf("the text %q", n.Value)
	case *ast.BoolNode:
		return fmt.Sprintf("%v", n.Value)
	default:
		return n.String()
	}
}

// suggest gives ", did you mean x?" when one of the names is close.
func suggest(name string, names []string) string {
	best, far := "", len(name)/3+2
	for _, n := range names {
		if d := levenshtein.Distance(name, n); d < far {
			best, far = n, d
		}
	}
	if best == "" {
		return "; known here: " + strings.Join(names, ", ")
	}
	return fmt.Sprintf(", did you mean %s?", best)
}
