package clients

import (
	"strings"
	"unicode"

	"tegata/shared/levenshtein"
)

// hidden stands for what is not shown.
const hidden = "…"

// Masked is an address that somebody sent, fit to be kept and shown beside those that are
// registered, or expected. What comes in the wrong place may be a secret, so there is
// nothing of a user and password, no value of a query or fragment, and no part of the path
// that looks made up, but where a registered address has the same. Characters that do not
// show, or turn the text around them, are replaced.
func Masked(uri string, registered []string) string {
	known := partsOf(registered)
	uri = cutText(strings.ToValidUTF8(strings.ReplaceAll(uri, "\x00", ""), "\uFFFD"), 300)
	uri, fragment, hasFragment := strings.Cut(uri, "#")
	uri, query, hasQuery := strings.Cut(uri, "?")
	text := known.path(uri)
	if hasQuery {
		text += "?" + known.query(query)
	}
	if hasFragment {
		text += "#"
	}
	if fragment != "" {
		text += hidden
	}
	return Printable(text)
}

// Printable replaces characters that do not show or steer what shows the text: those of a
// terminal, and those that turn its direction.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

// parts are what registered addresses consist of.
type parts struct {
	segments, names, pairs map[string]bool // of the path, and of the query
}

func partsOf(registered []string) parts {
	p := parts{map[string]bool{}, map[string]bool{}, map[string]bool{}}
	for _, one := range registered {
		one, query, _ := strings.Cut(one, "?")
		for segment := range strings.SplitSeq(one, "/") {
			p.segments[segment] = true
		}
		for pair := range strings.SplitSeq(query, "&") {
			name, _, _ := strings.Cut(pair, "=")
			p.names[name], p.pairs[pair] = true, true
		}
	}
	return p
}

// path masks what stands before the query.
func (p parts) path(text string) string {
	scheme, rest, ok := strings.Cut(text, "//")
	if ok {
		scheme += "//"
	} else {
		scheme, rest = "", text
	}
	host, path, hasPath := strings.Cut(rest, "/")
	host = afterUser(host)
	segments := strings.Split(path, "/")
	for i, one := range segments {
		if !p.segments[one] && strings.Contains(one, "@") { // of a password with a slash in it
			host, segments[i] = hidden, afterUser(one)
			for before := range i {
				segments[before] = hidden
			}
		}
		segments[i] = p.segment(segments[i])
	}
	if !hasPath {
		return scheme + host
	}
	return scheme + host + "/" + strings.Join(segments, "/")
}

// afterUser is a text without what stands before the last @ of it. RFC 3986 §3.2.1.
func afterUser(text string) string {
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		return hidden + text[at:]
	}
	return text
}

// nearly is how many letters may be wrong in a part of a registered path.
const nearly = 2

// segment masks a part of the path. One that is written slightly wrong is shown: that is
// what somebody looks for.
func (p parts) segment(text string) string {
	name, _, set := strings.Cut(text, "=")
	switch {
	case p.segments[text]:
		return text
	case set:
		return name + "=" + hidden
	case !madeUp(text):
		return text
	}
	for known := range p.segments {
		if len(known) <= 300 && levenshtein.Distance(strings.ToLower(text), strings.ToLower(known)) <= nearly {
			return text
		}
	}
	return hidden
}

// madeUp tells whether a text looks like one that a machine made up, or holds more than a
// name needs: words have long runs of letters of one kind.
func madeUp(text string) bool {
	kind := func(r rune) int {
		switch {
		case unicode.IsLower(r):
			return 'a'
		case unicode.IsUpper(r):
			return 'A'
		case unicode.IsDigit(r):
			return '0'
		}
		return '-'
	}
	changes, digits, last := 0, 0, 0
	for _, r := range text {
		this := kind(r)
		if this == '0' {
			digits++
		}
		if last != 0 && this != last && this != '-' && last != '-' {
			changes++
		}
		last = this
	}
	return len(text) > 40 || len(text) > 24 && changes+digits > 0 || digits >= 8 || len(text) >= 8 && changes*4 >= len(text)
}

// query masks the values of a query, and what has no name.
func (p parts) query(text string) string {
	pairs := strings.Split(text, "&")
	for i, pair := range pairs {
		name, value, set := strings.Cut(pair, "=")
		if p.pairs[pair] || pair == "" {
			continue
		}
		if !p.names[name] && (!set || !plainName(name)) {
			name = hidden
		}
		if pairs[i] = name; set {
			pairs[i] += "="
		}
		if value != "" {
			pairs[i] += hidden
		}
	}
	return strings.Join(pairs, "&")
}

// plainName tells whether a text looks like the name of a parameter.
func plainName(text string) bool {
	return len(text) <= 24 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz_-.") == ""
}
