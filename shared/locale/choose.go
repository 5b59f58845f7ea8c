package locale

import (
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// Wishes is what a request tells about the language its reader wants.
type Wishes struct {
	UILocales string // ui_locales of the client: tags by preference, spaces between (OIDC Core §3.1.2.1)
	Cookie    string // what the reader chose with the language switch
	Account   string // the setting of the account that is signed in
	Accept    string // the Accept-Language header
}

// longest is how much of a wish is read; nobody needs more.
const longest = 200

// Choose gives the language for w: the first wish that names one we speak, in the
// order of its fields, else the first language of the catalog.
func (c *Catalog) Choose(w Wishes) string {
	for _, wish := range []string{strings.Join(strings.Fields(head(w.UILocales)), ","), w.Cookie, w.Account, w.Accept} {
		if l, ok := c.match(wish); ok {
			return l
		}
	}
	return c.languages[0]
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
