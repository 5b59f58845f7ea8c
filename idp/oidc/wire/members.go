package wire

import (
	"bytes"
	"encoding/json"
)

// level is an object that is being read, or a list, which has no names.
type level struct {
	names map[string]bool // nil: a list
	value bool            // the next text is a value and not a name
}

// MemberTwice tells whether any object of the JSON text has a name twice: one reader takes
// the first value and another the last. RFC 8259 §4.
func MemberTwice(text []byte) bool {
	var open []level
	for tokens := json.NewDecoder(bytes.NewReader(text)); ; {
		token, err := tokens.Token()
		if err != nil {
			return false // the end
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			var names map[string]bool
			if token == json.Delim('{') {
				names = map[string]bool{}
			}
			open = append(open, level{names: names})
			continue
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		}
		if len(open) > 0 && open[len(open)-1].repeats(token) {
			return true
		}
	}
}

// repeats takes the token that was read in the level, or ended a value in it.
func (l *level) repeats(token json.Token) bool {
	name, _ := token.(string)
	switch {
	case l.names == nil:
		return false
	case l.value:
		l.value = false
		return false
	}
	seen := l.names[name]
	l.names[name], l.value = true, true
	return seen
}
