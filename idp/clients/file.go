package clients

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/goccy/go-yaml"
)

// ReadFile reads the clients of a YAML file: a list under the key "clients", each
// with the members of Client. Unknown keys are mistakes. The error is Problems and
// holds every mistake of the file; what could be read comes with it, each client at its
// place in the list.
func ReadFile(path string, development bool) ([]Client, error) {
	file, err := readBoth(path, development)
	return file.Clients, err
}

// ReadResources reads the resources of the same file: a list under the key
// "resources", each with the members of Resource. There may be none.
func ReadResources(path string, development bool) ([]Resource, error) {
	file, err := readBoth(path, development)
	return file.Resources, err
}

// file is what a file holds.
type file struct {
	Clients   []Client
	Resources []Resource
}

func readBoth(path string, development bool) (file, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return file{}, err
	}
	all, err := parse(text, development)
	if err != nil {
		return all, fmt.Errorf("%s:\n%w", path, err)
	}
	return all, nil
}

// Parse is ReadFile for the text of a file.
func Parse(text []byte, development bool) ([]Client, error) {
	all, err := parse(text, development)
	return all.Clients, err
}

func parse(text []byte, development bool) (file, error) {
	asJSON, err := yaml.YAMLToJSON(text)
	if err != nil {
		return file{}, Problems{{Path: "clients", Message: err.Error(), Reason: "want YAML"}}
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(asJSON, &keys); err != nil {
		var p Problems
		p.add("clients", "want a list of clients under the key \"clients\"")
		return file{}, p
	}
	var p Problems
	for key := range keys {
		if key != "clients" && key != "resources" {
			p.add(key, "unknown key")
		}
	}
	resources := parseResources(keys["resources"], &p)
	all := parseClients(keys["clients"], resources, development, &p)
	slices.SortFunc(p, func(a, b Problem) int { return strings.Compare(a.Path, b.Path) })
	return file{all, resources}, p.Err()
}

func parseResources(list json.RawMessage, p *Problems) []Resource {
	var entries []json.RawMessage
	if err := json.Unmarshal(list, &entries); list != nil && err != nil {
		p.add("resources", "want a list of resources")
	}
	var all []Resource
	for i, raw := range entries {
		at := fmt.Sprintf("resources[%d]", i)
		r := Resource{Source: "config"}
		entry, ok := readBlock(p, at, raw)
		if !ok {
			all = append(all, r)
			continue
		}
		unread := readKeys(at, entry, resourceMembers, reflect.ValueOf(&r).Elem())
		r.Default()
		if slices.ContainsFunc(all, func(other Resource) bool { return other.ID == r.ID && r.ID != "" }) {
			p.refuse(at+".identifier", r.ID, "is there twice")
		}
		*p = append(*p, unread...)
		for _, mistake := range r.Check(at) {
			if !unread.Cover(mistake.Path) {
				*p = append(*p, mistake)
			}
		}
		all = append(all, r)
	}
	return all
}

func parseClients(list json.RawMessage, resources []Resource, development bool, p *Problems) []Client {
	var entries []json.RawMessage
	if err := json.Unmarshal(list, &entries); list == nil || err != nil {
		p.add("clients", "want a list of clients")
		return nil
	}
	all := make([]Client, 0, len(entries))
	for i, raw := range entries {
		at := fmt.Sprintf("clients[%d]", i)
		entry, ok := readBlock(p, at, raw)
		if !ok {
			all = append(all, Client{})
			continue
		}
		c, unread := readEntry(at, entry)
		if slices.ContainsFunc(all, func(other Client) bool { return other.ID == c.ID && c.ID != "" }) {
			p.refuse(at+".client_id", c.ID, "is there twice")
		}
		*p = append(*p, unread...)
		for _, mistake := range append(c.Check(at, development), c.CheckResources(at, resources)...) {
			if !unread.Cover(mistake.Path) {
				*p = append(*p, mistake)
			}
		}
		all = append(all, c)
	}
	return all
}

// readBlock reads one entry of a list: a block of keys. ok is false for anything else, which
// hides no mistake of another entry.
func readBlock(p *Problems, at string, raw json.RawMessage) (entry map[string]json.RawMessage, ok bool) {
	if err := json.Unmarshal(raw, &entry); err != nil || entry == nil {
		p.add(at, "want a block of keys")
		return nil, false
	}
	return entry, true
}

// readEntry reads one client.
func readEntry(at string, entry map[string]json.RawMessage) (c Client, unread Problems) {
	c.Source = "config"
	unread = c.Amend(at, entry)
	c.Default()
	return c, unread
}

// readKeys reads one entry key by key, so that one wrong value does not hide the next
// mistake.
func readKeys(at string, entry map[string]json.RawMessage, members map[string]int, fields reflect.Value) (unread Problems) {
	for _, key := range slices.Sorted(maps.Keys(entry)) {
		raw := entry[key]
		index, ok := members[key]
		if !ok {
			unread.add(at+"."+key, "unknown key")
			continue
		}
		fresh := reflect.New(fields.Field(index).Type())
		strict := json.NewDecoder(bytes.NewReader(raw))
		if _, ok := fresh.Interface().(**jose.JSONWebKeySet); !ok {
			strict.DisallowUnknownFields() // key sets may say more: RFC 7517 §5
		}
		if err := strict.Decode(fresh.Interface()); err != nil {
			unread = append(unread, misread(at+"."+key, raw, fields.Field(index))...)
			continue
		}
		fields.Field(index).Set(fresh.Elem())
	}
	return unread
}

// ReadMembers reads the members of one client: JSON as RFC 7591 has it, or what stands
// under a client of the YAML file. Amend takes them.
func ReadMembers(text []byte) (all map[string]json.RawMessage, err error) {
	if trimmed := bytes.TrimSpace(text); !bytes.HasPrefix(trimmed, []byte("{")) {
		if text, err = yaml.YAMLToJSON(text); err != nil {
			return nil, err
		}
	}
	if err := json.Unmarshal(text, &all); err != nil || all == nil {
		return nil, errors.New("want the members of one client, as JSON or YAML")
	}
	return all, nil
}

// Cover tells whether one of p is about the path or what it is a part of: what could
// not be read is not missing as well.
func (p Problems) Cover(path string) bool {
	return slices.ContainsFunc(p, func(one Problem) bool { return strings.HasPrefix(path, one.Path) })
}

// wanted is what a value of the type is called.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Slice:
		return "a list"
	case reflect.Pointer:
		return wanted(t.Elem())
	case reflect.Map, reflect.Struct:
		return "a block of keys"
	case reflect.Int64:
		return "a whole number"
	case reflect.Bool:
		return "true or false"
	}
	return "a text"
}

// members finds the fields of Client and Resource by their JSON names.
var (
	members         = membersOf(reflect.TypeFor[Client]())
	resourceMembers = membersOf(reflect.TypeFor[Resource]())
)

func membersOf(t reflect.Type) map[string]int {
	all := map[string]int{}
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "-" {
			all[name] = i
		}
	}
	return all
}
