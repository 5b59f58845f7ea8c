package object

import (
	"encoding/json"
	"strconv"
	"time"
)

// Reads is what reads its members itself: Member takes the value of one from r, by the
// method for its type, or calls r.Unknown.
type Reads interface {
	Member(name []byte, r *Reader)
}

// Reader walks through an object as Writer writes it.
type Reader struct {
	b   []byte // what is left
	bad bool   // something is there that a Writer does not write, or not quickly
}

// Unmarshal reads b into v, which has to be empty. What it does not know by heart (escapes,
// spaces, other members) it leaves to json.Unmarshal, so that the result is always the same.
func Unmarshal[T any, P interface {
	*T
	Reads
}](b []byte, v P) error {
	r := Reader{b: b}
	if r.object(v); !r.bad && len(r.b) == 0 {
		return nil
	}
	var empty T
	*v = empty // of what was half read
	return json.Unmarshal(b, v)
}

// Unknown says that the member is none that Member knows.
func (r *Reader) Unknown() { r.bad = true }

// Object reads an object into v.
func (r *Reader) Object(v Reads) { r.object(v) }

func (r *Reader) object(v Reads) {
	for next := byte('{'); r.take(next) && !r.bad; next = ',' {
		name := r.quoted()
		if !r.take(':') {
			r.bad = true
			return
		}
		v.Member(name, r)
		if r.take('}') {
			return
		}
	}
	r.bad = true
}

// Text reads a text.
func (r *Reader) Text(to *string) { *to = string(r.quoted()) }

// Texts reads a list of texts.
func (r *Reader) Texts(to *[]string) {
	var all []string
	for next := byte('['); r.take(next) && !r.bad; next = ',' {
		all = append(all, string(r.quoted()))
		if r.take(']') {
			*to = all
			return
		}
	}
	r.bad = true
}

// Time reads a moment.
func (r *Reader) Time(to *time.Time) {
	if to.UnmarshalText(r.quoted()) != nil {
		r.bad = true
	}
}

// Number reads a whole number.
func (r *Reader) Number(to *int64) {
	end := 0
	for end < len(r.b) && (r.b[end] >= '0' && r.b[end] <= '9' || r.b[end] == '-') {
		end++
	}
	n, err := strconv.ParseInt(string(r.b[:end]), 10, 64)
	if err != nil || end > 1 && (r.b[0] == '0' || r.b[0] == '-' && r.b[1] == '0') { // JSON has no 007
		r.bad = true
	}
	*to, r.b = n, r.b[end:]
}

// take goes past c if it comes next.
func (r *Reader) take(c byte) bool {
	if len(r.b) == 0 || r.b[0] != c {
		return false
	}
	r.b = r.b[1:]
	return true
}

// quoted goes past a text in plain ASCII.
func (r *Reader) quoted() []byte {
	if !r.take('"') {
		r.bad = true
		return nil
	}
	for i, c := range r.b {
		switch {
		case c == '"':
			text := r.b[:i]
			r.b = r.b[i+1:]
			return text
		case c < ' ' || c > '~' || c == '\\':
			r.bad = true
			return nil
		}
	}
	r.bad = true
	return nil
}
