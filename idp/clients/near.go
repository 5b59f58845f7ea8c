package clients

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"tegata/shared/levenshtein"
)

// Nearest gives the registered address that differs least from the given one, "" when
// there is none.
func Nearest(given string, registered []string) string {
	best, least := "", -1
	for _, one := range registered {
		// The query counts least: it may be anything.
		d := 1000*levenshtein.Distance(beforeQuery(given), beforeQuery(one)) + levenshtein.Distance(cutText(given, 300), cutText(one, 300))
		if least < 0 || d < least {
			best, least = one, d
		}
	}
	return best
}

func beforeQuery(uri string) string {
	uri, _, _ = strings.Cut(uri, "?")
	return cutText(uri, 300)
}

// Diff cuts two texts into what they begin with alike, what differs, and what they end
// with alike.
func Diff(given, registered string) (start, ours, theirs, end string) {
	g, r := []rune(given), []rune(registered)
	i := 0
	for i < len(g) && i < len(r) && g[i] == r[i] {
		i++
	}
	j := 0
	for j < len(g)-i && j < len(r)-i && g[len(g)-1-j] == r[len(r)-1-j] {
		j++
	}
	return string(g[:i]), string(r[i : len(r)-j]), string(g[i : len(g)-j]), string(g[len(g)-j:])
}

// Masked is an address that somebody sent, fit to be kept and shown: without a user's
// name, and without long values in its query, which may be secrets.
func Masked(uri string) string {
	uri = cutText(strings.ToValidUTF8(strings.ReplaceAll(uri, "\x00", ""), "?"), 300)
	before, query, ok := strings.Cut(uri, "?")
	if u, err := url.Parse(before); err == nil && u.User != nil {
		u.User = nil
		before = u.String()
	} else if err != nil && strings.Contains(before, "@") {
		_, after, _ := strings.Cut(before, "@")
		before = "…@" + after
	}
	before, fragment, hasFragment := strings.Cut(before, "#")
	if hasFragment {
		before += "#" + mask(fragment)
	}
	if !ok {
		return before
	}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, value, set := strings.Cut(pair, "=")
		if set {
			pairs[i] = mask(name) + "=" + mask(value)
		} else {
			pairs[i] = mask(name)
		}
	}
	return before + "?" + strings.Join(pairs, "&")
}

func mask(value string) string {
	if len(value) > 12 {
		return "…"
	}
	return value
}

func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
