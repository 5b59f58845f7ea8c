package clients

import (
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

func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
