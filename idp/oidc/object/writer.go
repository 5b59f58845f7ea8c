// Package object writes and reads JSON objects member by member, for what is written and
// read with each log-in: encoding/json finds out by reflection, each time anew, that most
// of it are short texts, and takes five times as long.
//
//	writer.go  Marshal: letter by letter what encoding/json writes
//	reader.go  Unmarshal: what Writer wrote; whatever else comes, encoding/json reads
package object

import (
	"encoding/json"
	"strconv"
	"time"
)

// Writes is what writes its members itself.
type Writes interface{ Members(w *Writer) }

// Writer takes the members of one object in their order.
type Writer struct {
	b   []byte
	err error
}

// usual is room for most of what is written.
const usual = 512

// Marshal is json.Marshal, for what writes itself too.
func Marshal(value any) ([]byte, error) {
	v, ok := value.(Writes)
	if !ok {
		return json.Marshal(value)
	}
	w := &Writer{b: make([]byte, 0, usual)}
	w.object(v)
	return w.b, w.err
}

func (w *Writer) object(v Writes) {
	w.b = append(w.b, '{')
	v.Members(w)
	w.b = append(w.b, '}')
}

func (w *Writer) name(name string) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.quote(name)
	w.b = append(w.b, ':')
}

// Text writes a member; it is left out when it is empty.
func (w *Writer) Text(name, value string) {
	if value != "" {
		w.name(name)
		w.quote(value)
	}
}

// Number writes a member; it is left out when it is 0.
func (w *Writer) Number(name string, value int64) {
	if value != 0 {
		w.name(name)
		w.b = strconv.AppendInt(w.b, value, 10)
	}
}

// Texts writes a list; it is left out when it is empty.
func (w *Writer) Texts(name string, values []string) {
	if len(values) == 0 {
		return
	}
	w.name(name)
	w.b = append(w.b, '[')
	for i, value := range values {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.quote(value)
	}
	w.b = append(w.b, ']')
}

// Value writes any member, empty or not.
func (w *Writer) Value(name string, value any) {
	w.name(name)
	switch v := value.(type) {
	case Writes:
		w.object(v)
	case string:
		w.quote(v)
	case bool:
		w.b = strconv.AppendBool(w.b, v)
	case int64:
		w.b = strconv.AppendInt(w.b, v, 10)
	case time.Time:
		if year := v.Year(); year < 0 || year > 9999 {
			w.add(v) // json refuses it
			return
		}
		w.b = append(v.AppendFormat(append(w.b, '"'), time.RFC3339Nano), '"')
	default:
		w.add(value)
	}
}

// quote writes a text; those in plain ASCII are most of them.
func (w *Writer) quote(text string) {
	if !plain(text) {
		w.add(text)
		return
	}
	w.b = append(append(append(w.b, '"'), text...), '"')
}

// add writes a value as json does. The first error is the one that counts.
func (w *Writer) add(value any) {
	text, err := json.Marshal(value)
	if w.err == nil {
		w.err = err
	}
	w.b = append(w.b, text...)
}

// plain tells whether json writes s as it is.
func plain(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}
