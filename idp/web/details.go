package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
)

// detail is one object of authorization_details for people (RFC 9396 §2): its type,
// and its other members as they came. What they mean only the client and its resource
// know; their names are all that can be shown of that.
type detail struct {
	Type    string
	Members []member
}

// member is one value with the way to it, "instructed amount: currency".
type member struct{ Name, Value string }

// detailsOf reads a list of authorization details; nothing when it is none.
func detailsOf(list string) []detail {
	in := json.NewDecoder(strings.NewReader(list))
	in.UseNumber()
	var objects []json.RawMessage
	if in.Decode(&objects) != nil {
		return nil
	}
	var all []detail
	for _, object := range objects {
		var d detail
		members, err := membersOf(object, "")
		if err != nil {
			return nil
		}
		for _, m := range members {
			if m.Name == "type" {
				d.Type = spaced(m.Value)
				continue
			}
			d.Members = append(d.Members, m)
		}
		all = append(all, d)
	}
	return all
}

// membersOf flattens a JSON value, in the order in which it was written.
func membersOf(value json.RawMessage, name string) ([]member, error) {
	in := json.NewDecoder(bytes.NewReader(value))
	in.UseNumber()
	token, err := in.Token()
	if err != nil {
		return nil, err
	}
	if token == nil {
		return []member{{name, "–"}}, nil
	}
	open, nested := token.(json.Delim)
	if !nested {
		return []member{{name, fmt.Sprint(token)}}, nil
	}
	var all []member
	for in.More() {
		below := name
		if open == '{' {
			key, err := in.Token()
			if err != nil {
				return nil, err
			}
			below = strings.TrimPrefix(name+": "+spaced(fmt.Sprint(key)), ": ")
		}
		var inner json.RawMessage
		if err := in.Decode(&inner); err != nil {
			return nil, err
		}
		members, err := membersOf(inner, below)
		if err != nil {
			return nil, err
		}
		all = append(all, members...)
	}
	return joined(all), nil
}

// joined puts the values of one name into one line: the elements of a list.
func joined(members []member) []member {
	var all []member
	for _, m := range members {
		if i := slices.IndexFunc(all, func(other member) bool { return other.Name == m.Name }); i >= 0 {
			all[i].Value += ", " + m.Value
			continue
		}
		all = append(all, m)
	}
	return all
}

// spaced turns instructedAmount and instructed_amount into words.
func spaced(name string) string {
	var words strings.Builder
	in := strings.NewReader(name)
	for last := ' '; ; {
		r, _, err := in.ReadRune()
		if err == io.EOF {
			return words.String()
		}
		switch {
		case r == '_':
			r = ' '
		case unicode.IsUpper(r) && unicode.IsLower(last):
			words.WriteByte(' ')
			r = unicode.ToLower(r)
		}
		words.WriteRune(r)
		last = r
	}
}
