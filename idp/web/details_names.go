package web

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
)

// name is what a member or a type is called on the page.
type name struct {
	Text  string
	Exact bool // as it was written, so that not even its first letter may look different
}

// namesOf gives the names that members of one object are shown by: in words, or letter by
// letter where words would not tell two of them apart, and in quotes where a name could be
// taken for more than one.
func namesOf(written []string) []name {
	alike, seen := map[string]int{}, map[string]bool{}
	for _, one := range written {
		if !seen[one] {
			seen[one] = true
			alike[strings.ToLower(spaced(one))]++
		}
	}
	all := make([]name, len(written))
	for i, one := range written {
		switch {
		case !plain(one):
			all[i] = name{shown(strconv.Quote(one)), true}
		case alike[strings.ToLower(spaced(one))] > 1:
			all[i] = name{one, true}
		default:
			all[i] = name{spaced(one), false}
		}
	}
	return all
}

// then is the name of what stands in a member.
func (n name) then(inner name) name {
	return name{n.Text + ": " + inner.Text, n.Exact || inner.Exact}
}

// numbered is the name of an element of a list.
func (n name) numbered(i int) name { return name{fmt.Sprintf("%s #%d", n.Text, i), n.Exact} }

// plain tells whether a name is nothing but letters, digits, and what joins them.
func plain(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-.", r)
	})
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
