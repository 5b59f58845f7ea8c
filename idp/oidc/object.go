package oidc

import (
	"encoding/json"
	"strconv"
	"time"
)

// object writes a JSON object member by member, for what is written with each log-in:
// json finds out by reflection, each time anew, that most of it are short texts. The
// result is letter by letter what json writes.
type object struct {
	b   []byte
	err error
}

// written is what writes its members itself.
type written interface{ members(o *object) }

// member is one that is written as it stands, empty or not.
type member struct {
	name  string
	value any
}

// newObject begins an object with room for size bytes.
func newObject(size int) *object { return &object{b: append(make([]byte, 0, size), '{')} }

// encode gives v as JSON.
func encode(v written) ([]byte, error) {
	o := newObject(512)
	v.members(o)
	return o.end()
}

// marshal is json.Marshal, for what writes itself too.
func marshal(value any) ([]byte, error) {
	if v, ok := value.(written); ok {
		return encode(v)
	}
	return json.Marshal(value)
}

// end gives the whole object, or the first thing that JSON cannot say.
func (o *object) end() ([]byte, error) {
	if o.err != nil {
		return nil, o.err
	}
	return append(o.b, '}'), nil
}

func (o *object) name(name string) {
	if o.b[len(o.b)-1] != '{' {
		o.b = append(o.b, ',')
	}
	o.quote(name)
	o.b = append(o.b, ':')
}

// text writes a member; it is left out when it is empty.
func (o *object) text(name, value string) {
	if value != "" {
		o.name(name)
		o.quote(value)
	}
}

// number writes a member; it is left out when it is 0.
func (o *object) number(name string, value int64) {
	if value != 0 {
		o.name(name)
		o.b = strconv.AppendInt(o.b, value, 10)
	}
}

// texts writes a list; it is left out when it is empty.
func (o *object) texts(name string, values []string) {
	if len(values) == 0 {
		return
	}
	o.name(name)
	for i, value := range values {
		o.b = append(o.b, "[,"[min(i, 1)])
		o.quote(value)
	}
	o.b = append(o.b, ']')
}

// time writes a moment as json does; its year has four digits.
func (o *object) time(name string, at time.Time) {
	o.name(name)
	o.b = append(at.AppendFormat(append(o.b, '"'), time.RFC3339Nano), '"')
}

// value writes any member, empty or not.
func (o *object) value(name string, value any) {
	o.name(name)
	switch v := value.(type) {
	case written:
		o.b = append(o.b, '{')
		v.members(o)
		o.b = append(o.b, '}')
	case string:
		o.quote(v)
	case bool:
		o.b = strconv.AppendBool(o.b, v)
	case int64:
		o.b = strconv.AppendInt(o.b, v, 10)
	default:
		o.add(value)
	}
}

// quote writes a text; those in ASCII are most of them.
func (o *object) quote(text string) {
	if unescaped(text) {
		o.b = append(append(append(o.b, '"'), text...), '"')
		return
	}
	o.add(text)
}

func (o *object) add(value any) {
	text, err := marshal(value)
	if o.err == nil {
		o.err = err
	}
	o.b = append(o.b, text...)
}

// unescaped tells whether json writes s as it is.
func unescaped(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}
