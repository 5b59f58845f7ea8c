package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// readEnviron sets keys from variables. Their names are the key paths in capitals,
// with "_" for ".", behind the prefix.
func (l *loader) readEnviron(v reflect.Value, environ []string, prefix string) {
	if prefix == "" {
		return
	}
	given := map[string]string{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, prefix+"_") && name != prefix+"_CONFIG" {
			given[name] = value
		}
	}
	if len(given) == 0 {
		return
	}
	l.setEach("", prefix, v, given)
	for _, name := range slices.Sorted(maps.Keys(given)) {
		l.problems = append(l.problems, Problem{Variable: name, Message: "there is no key for this variable"})
	}
}

// setEach walks the keys and takes the variables it uses out of given.
func (l *loader) setEach(path, prefix string, v reflect.Value, given map[string]string) {
	for _, f := range fields(v) {
		at, name := join(path, f.name), prefix+"_"+strings.ToUpper(f.name)
		if f.value.Type() == secretType {
			l.secretFromEnviron(at, name, f.value, given)
			continue
		}
		if f.value.Kind() == reflect.Struct && !isScalar(f.value) {
			l.setEach(at, name, f.value, given)
			continue
		}
		text, ok := given[name]
		if !ok {
			continue
		}
		delete(given, name)
		l.from[at] = name
		l.setOne(at, name, f.value, text)
	}
}

func (l *loader) setOne(at, name string, v reflect.Value, text string) {
	wrong := func(err error) {
		l.spoil(at)
		l.problems = append(l.problems, Problem{Path: at, Variable: name, Message: err.Error()})
	}
	if v.Kind() != reflect.Slice || isScalar(v) {
		if err := setText(v, text); err != nil {
			wrong(err)
		}
		return
	}
	all := reflect.MakeSlice(v.Type(), 0, 0)
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		element := reflect.New(v.Type().Elem()).Elem()
		if err := setText(element, part); err != nil {
			wrong(err)
			return
		}
		all = reflect.Append(all, element)
	}
	v.Set(all)
}
