package locale

import (
	"regexp"
	"slices"
	"strings"
)

var (
	target = regexp.MustCompile(`\]\([^)]*\)`) // of a link: [words](/path)
	// narrow is a half-width bracket in Japanese text: after it, before it, or around it.
	narrow = regexp.MustCompile(`[\p{Han}\p{Hiragana}\p{Katakana}ー」] ?\(|\) ?[\p{Han}\p{Hiragana}\p{Katakana}「。、]|\([^()]*[\p{Han}\p{Hiragana}\p{Katakana}]`)
)

// checkJapanese holds the Japanese texts of all programs to one style: brackets are wide
// （…） and have no blanks around them; colon, question and exclamation mark are narrow.
func (c *Catalog) checkJapanese(t Reporter, fixed []string) {
	t.Helper()
	for _, key := range c.Keys("ja") {
		if slices.Contains(fixed, key) {
			continue
		}
		for _, parts := range c.messages["ja"][key] {
			text := target.ReplaceAllString(strings.Join(parts, ""), "]")
			if narrow.MatchString(text) || strings.ContainsAny(text, "：？！") || strings.Contains(text, " （") || strings.Contains(text, "） ") {
				t.Errorf("%s: the punctuation of %q is not that of the other Japanese texts", key, text)
			}
		}
	}
}
