package locale

import (
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// Wishes is what a request tells about the language its reader wants, in the order in
// which it counts. What somebody chose on our own pages comes before what a program thinks
// of them; what a client says of this one log-in comes before what holds in general.
type Wishes struct {
	Cookie    string // what the reader chose with the language switch
	UILocales string // ui_locales of the client: tags by preference, spaces between (OIDC Core §3.1.2.1)
	Account   string // the setting of the account that is signed in
	Accept    string // the Accept-Language header
}

// longest is how much of a wish is read; nobody needs more.
const longest = 200

// Choose gives the language for w: the first wish that names one we speak, in the
// order of its fields, else the first language of the catalog.
func (c *Catalog) Choose(w Wishes) string {
	if l, ok := c.match(w.Cookie); ok {
		return l
	}
	if l, ok := c.firstKnown(w.UILocales); ok {
		return l
	}
	for _, wish := range []string{w.Account, w.Accept} {
		if l, ok := c.match(wish); ok {
			return l
		}
	}
	return c.languages[0]
}

// firstKnown gives the language of the first tag that names one of ours, in whatever
// region; the others are ignored. A language that is only near to ours (Welsh, whose readers know
// English) is not ours: then somebody else knows better.
func (c *Catalog) firstKnown(tags string) (string, bool) {
	for _, text := range strings.Fields(head(tags)) {
		tag, err := language.Parse(text)
		if err != nil {
			continue
		}
		_, i, sure := c.matcher.Match(tag)
		if theirs, _ := tag.Base(); sure != language.No && theirs == base(c.tags[i]) {
			return c.languages[i], true
		}
	}
	return "", false
}

func base(tag language.Tag) language.Base {
	b, _ := tag.Base()
	return b
}

func head(s string) string { return s[:min(len(s), longest)] }

// match finds the language that suits a list in the form of Accept-Language. Only
// the matcher's index is used: its tag comes back with extensions (ja-u-rg-jpzzzz).
func (c *Catalog) match(list string) (string, bool) {
	if list == "" {
		return "", false
	}
	if slices.Contains(c.languages, list) { // the usual cookie
		return list, true
	}
	tags, _, err := language.ParseAcceptLanguage(head(list))
	if err != nil || len(tags) == 0 {
		return "", false
	}
	_, i, sure := c.matcher.Match(tags...)
	if sure == language.No {
		return "", false
	}
	return c.languages[i], true
}

// Speaks tells whether lang is one of the catalog's languages, exactly.
func (c *Catalog) Speaks(lang string) bool { return slices.Contains(c.languages, lang) }
