package web

import (
	"fmt"
	"strings"
	"unicode"

	"tegata/idp/clients"
)

// quoted is a text value as it is shown: in quotes where it is nothing, or could be taken
// for one in quotes, or for null, which has words of its own.
func quoted(text string) string {
	if text == "" || inQuotes(text) || strings.Contains(strings.ToLower(text), "null") {
		return `"` + shown(text) + `"`
	}
	return shown(text)
}

// inQuotes tells whether a text stands in quotes. One that is shown does just where quoted
// has put it in some.
func inQuotes(text string) bool {
	return len(text) > 1 && strings.HasPrefix(text, `"`) && strings.HasSuffix(text, `"`)
}

// quoteWords puts those texts of the members in quotes that have the words in them which say,
// in some language, that a value is there and has nothing in it.
func (p *Pages) quoteWords(members []member) {
	for _, lang := range p.Page.Catalog.Languages() {
		words := strings.ToLower(strings.TrimRight(p.Page.Catalog.Text(lang, "consent.details_empty", nil), ".。"))
		for _, m := range members {
			for i, v := range m.Values {
				if !inQuotes(v.Text) && strings.Contains(strings.ToLower(v.Text), words) {
					m.Values[i].Text = `"` + v.Text + `"`
				}
			}
		}
	}
}

// visible are the signs for characters that are there and do not show.
var visible = map[rune]rune{'\n': '↵', '\t': '⇥', '\r': '␍', ' ': '␣'}

// shown makes characters visible that do not show, or that would make others look
// different: of requests none get here but line ends, tabs and blanks. Browsers make one of
// several blanks and leave out those at the ends, so these have a sign each. What is
// written like such a sign itself is shown by its number.
func shown(text string) string {
	var out strings.Builder
	all := []rune(text)
	for i, r := range all {
		sign, has := visible[r]
		switch {
		case r == ' ' && !blankAt(all, i-1) && !blankAt(all, i+1), r == '\u3000' && !blankAt(all, i-1) && !blankAt(all, i+1):
			out.WriteRune(r) // between words, also Japanese ones
		case has:
			out.WriteRune(sign)
		case clients.Hidden(r), unicode.IsSpace(r), isSign(r), r == '[' && i+2 < len(all) && all[i+1] == 'U' && all[i+2] == '+':
			fmt.Fprintf(&out, "[U+%04X]", r)
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// blankAt tells whether there is nothing to see at that place: a blank, or an end.
func blankAt(all []rune, i int) bool { return i < 0 || i >= len(all) || unicode.IsSpace(all[i]) }

// isSign tells whether the character is one that stands for another.
func isSign(r rune) bool {
	for _, sign := range visible {
		if r == sign {
			return true
		}
	}
	return false
}
