package web

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// detail is one object of authorization_details for people (RFC 9396 §2): its type,
// and its other members as they came. What they mean only the client and its resource
// know; their names are all that can be shown of that. Nothing is left out, and no two
// things look the same, but a number or a truth and the text of it.
type detail struct {
	Type    name
	Members []member
}

// member is one value, or a list of them, with the way to it: "instructed amount: currency".
type member struct {
	Name   name
	Values []value
}

// value is a text, a list or object with nothing in it, which can mean everything, or null.
type value struct {
	Text  string
	Empty bool
	Null  bool
}

// node is a JSON value with its members in the order in which they were written.
type node struct {
	text  string // of a value that has no others in it
	null  bool   // such a value that is none
	list  bool
	names []string // of an object
	below []node   // of an object, or a list
}

// single tells whether the node is a value that has no others in it.
func (n node) single() bool { return !n.list && n.names == nil }

// value is a node that is single as it is shown.
func (n node) value() value {
	if n.null {
		return value{Null: true}
	}
	return value{Text: quoted(n.text)}
}

// detailsOf reads a list of authorization details; nothing when it is none.
func detailsOf(list string) []detail {
	if list == "" {
		return nil
	}
	root, err := readNode([]byte(list))
	if err != nil || !root.list {
		return nil
	}
	var all []detail
	var types []string
	for _, object := range root.below {
		var d detail
		kind := ""
		named := namesOf(object.names)
		for i, n := range object.below {
			if object.names[i] == "type" && n.single() {
				kind = n.text
				continue
			}
			d.Members = append(d.Members, n.members(named[i])...)
		}
		all, types = append(all, d), append(types, kind)
	}
	for i, kind := range namesOf(types) {
		if all[i].Type = kind; !plain(types[i]) {
			all[i].Type = name{shown(types[i]), true} // of a registered one nothing can be mistaken
		}
	}
	return all
}

// members flattens the node, which has the name. The elements of a list of single values
// are the values of one member; those of other lists are numbered.
func (n node) members(called name) []member {
	switch {
	case n.single():
		return []member{{called, []value{n.value()}}}
	case len(n.below) == 0:
		return []member{{called, []value{{Empty: true}}}}
	case n.list:
		return n.elements(called)
	}
	var all []member
	for i, inner := range namesOf(n.names) {
		all = append(all, n.below[i].members(called.then(inner))...)
	}
	return all
}

func (n node) elements(called name) []member {
	var all []member
	var values []value
	for i, one := range n.below {
		if one.single() {
			values = append(values, one.value())
		}
		all = append(all, one.members(called.numbered(i+1))...)
	}
	if len(values) == len(n.below) {
		return []member{{called, values}}
	}
	return all
}

// readNode reads JSON in the order in which it was written.
func readNode(text []byte) (n node, err error) {
	in := json.NewDecoder(bytes.NewReader(text))
	in.UseNumber()
	token, err := in.Token()
	if err != nil {
		return n, err
	}
	open, nested := token.(json.Delim)
	if !nested {
		if token == nil {
			return node{null: true}, nil
		}
		return node{text: fmt.Sprint(token)}, nil
	}
	if n.list = open == '['; !n.list {
		n.names = []string{}
	}
	for in.More() {
		if !n.list {
			name, err := in.Token()
			if err != nil {
				return n, err
			}
			n.names = append(n.names, fmt.Sprint(name))
		}
		var inner json.RawMessage
		if err := in.Decode(&inner); err != nil {
			return n, err
		}
		below, err := readNode(inner)
		if err != nil {
			return n, err
		}
		n.below = append(n.below, below)
	}
	return n, nil
}
