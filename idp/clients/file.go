package clients

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// ReadFile reads the clients of a YAML file: a list under the key "clients", each
// with the members of Client. Unknown keys are mistakes. The error is Problems and
// holds every mistake of the file.
func ReadFile(path string, development bool) ([]Client, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	all, err := Parse(text, development)
	if err != nil {
		return nil, fmt.Errorf("%s:\n%w", path, err)
	}
	return all, nil
}

// Parse is ReadFile for the text of a file.
func Parse(text []byte, development bool) ([]Client, error) {
	asJSON, err := yaml.YAMLToJSON(text)
	if err != nil {
		return nil, Problems{{"clients", err.Error()}}
	}
	var file map[string]json.RawMessage
	if err := json.Unmarshal(asJSON, &file); err != nil {
		return nil, Problems{{"clients", "want a list of clients under the key \"clients\""}}
	}
	var p Problems
	for key := range file {
		if key != "clients" {
			p.add(key, "unknown key")
		}
	}
	var entries []map[string]json.RawMessage
	if err := json.Unmarshal(file["clients"], &entries); file["clients"] == nil || err != nil {
		p.add("clients", "want a list of clients")
		return nil, p
	}
	all := make([]Client, 0, len(entries))
	for i, entry := range entries {
		at := fmt.Sprintf("clients[%d]", i)
		c, unread := readEntry(at, entry)
		if slices.ContainsFunc(all, func(other Client) bool { return other.ID == c.ID }) {
			p.add(at+".client_id", "%q is there twice", c.ID)
		}
		p = append(p, unread...)
		for _, mistake := range c.Check(at, development) {
			if !unread.cover(mistake.Path) {
				p = append(p, mistake)
			}
		}
		all = append(all, c)
	}
	slices.SortFunc(p, func(a, b Problem) int { return strings.Compare(a.Path, b.Path) })
	return all, p.Err()
}

// readEntry reads one client key by key, so that one wrong value does not hide the
// next mistake.
func readEntry(at string, entry map[string]json.RawMessage) (c Client, unread Problems) {
	c.Source = "config"
	fields := reflect.ValueOf(&c).Elem()
	for key, raw := range entry {
		index, ok := members[key]
		if !ok {
			unread.add(at+"."+key, "unknown key")
			continue
		}
		if err := json.Unmarshal(raw, fields.Field(index).Addr().Interface()); err != nil {
			unread.add(at+"."+key, "want %s", wanted(fields.Field(index).Kind()))
		}
	}
	c.Default()
	return c, unread
}

// cover tells whether one of p is about the path or what it is a part of: what could
// not be read is not missing as well.
func (p Problems) cover(path string) bool {
	return slices.ContainsFunc(p, func(one Problem) bool { return strings.HasPrefix(path, one.Path) })
}

func wanted(kind reflect.Kind) string {
	switch kind {
	case reflect.Slice:
		return "a list"
	case reflect.Map, reflect.Pointer:
		return "a block of keys"
	case reflect.Bool:
		return "true or false"
	}
	return "a text"
}

// members finds the fields of Client by their JSON names.
var members = func() map[string]int {
	all := map[string]int{}
	t := reflect.TypeFor[Client]()
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "-" {
			all[name] = i
		}
	}
	return all
}()
