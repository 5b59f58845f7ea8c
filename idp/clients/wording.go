package clients

import (
	"maps"
	"slices"
	"strings"
)

// longestName is how long a name of a scope may be, in characters: a line or two of a page.
const longestName = 120

// NamesOf is what scopes or types of authorization details mean, in words that people read
// before they allow it: by scope or type, and by language as client names are. It may be
// nil, and leave some out.
type NamesOf map[string]map[string]string

// In gives the name in the language, of whatever region it is, else the English one, else
// "".
func (n NamesOf) In(one, language string) string {
	for _, lang := range []string{language, "en"} {
		if name := nameIn(n[one], lang); name != "" {
			return name
		}
	}
	return ""
}

// check wants names of what there is, in English at least, that show what they say.
func (n NamesOf) check(p *Problems, at string, known []string) {
	for _, one := range slices.Sorted(maps.Keys(n)) {
		subset(p, at, []string{one}, known)
		for _, lang := range slices.Sorted(maps.Keys(n[one])) {
			if !isTag(lang) {
				p.about(at+"."+one, "want languages like en and ja", ", not %q", lang)
			}
			if name := n[one][lang]; strings.TrimSpace(name) != name || name == "" || !presentable(name, longestName) {
				p.add(at+"."+one+"."+lang, "want a text of 1 to %d characters that show, without blanks around it", longestName)
			}
		}
		if nameIn(n[one], "en") == "" {
			p.add(at+"."+one+".en", "want the name that people read where there is none in their language")
		}
	}
}

// NameOfScope gives the first of these resources that takes the scope, and what it calls it
// in that language, "" when it does not say; ok is false when none takes it.
func NameOfScope(all []Resource, scope, language string) (resource Resource, name string, ok bool) {
	for _, r := range all {
		if slices.Contains(r.Scopes, scope) {
			return r, r.ScopeNames.In(scope, language), true
		}
	}
	return Resource{}, "", false
}

// NameOfDetails tells what one of these resources calls a type of authorization details in
// that language, "" when none does. RFC 9396 §2.
func NameOfDetails(all []Resource, kind, language string) string {
	for _, r := range all {
		if name := r.DetailNames.In(kind, language); name != "" && slices.Contains(r.DetailTypes, kind) {
			return name
		}
	}
	return ""
}
