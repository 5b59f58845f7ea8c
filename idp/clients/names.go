package clients

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// untagged is where a client has the name that names no language, if it has an English
// one too. Where it has not, that name stands in for English.
const untagged = ""

// longestTag is how long a language tag may be. RFC 5646 §4.4.1.
const longestTag = 35

// readNames reads client_name and its translations, client_name#ja-JP (OIDC Registration
// §2.1), and keeps each under its tag as it was sent, since the answer gives it back (RFC
// 7591 §3.2.1). One takes the place of what was there under another tag of the same language:
// ja-JP that of ja. The name without a tag is for whoever has none in their own language (§2.2).
func (c *Client) readNames(p *Problems, at string, said map[string]json.RawMessage) {
	names := maps.Clone(c.Name)
	if names == nil {
		names = map[string]string{}
	}
	if _, both := names[untagged]; !both {
		moveName(names, "en", untagged)
	}
	tagged := readTagged(p, at, said)
	named := map[string]bool{}
	for tag := range tagged {
		named[meaning(tag)] = true
	}
	maps.DeleteFunc(names, func(kept, _ string) bool { return named[meaning(kept)] })
	for _, tag := range slices.Sorted(maps.Keys(tagged)) {
		if tagged[tag] != "" && len(names) <= 16 {
			maps.DeleteFunc(names, func(kept, _ string) bool { return strings.EqualFold(kept, tag) })
			names[tag] = tagged[tag]
		}
	}
	english := nameIn(names, "en")
	if names[untagged] == "" {
		names[untagged] = english
	}
	if names[untagged] == "" && len(c.RedirectURIs) > 0 {
		names[untagged] = strings.TrimSuffix(Host(c.RedirectURIs[0]), ":")
	}
	if english == "" {
		moveName(names, untagged, "en")
	}
	c.Name = names
}

// readTagged reads the names that were said, by tag; "" for one that is taken away.
func readTagged(p *Problems, at string, said map[string]json.RawMessage) map[string]string {
	texts := map[string]string{}
	for _, member := range slices.Sorted(maps.Keys(said)) {
		tag, ok := NameTag(member)
		if !ok {
			continue
		}
		var text *string
		if err := json.Unmarshal(said[member], &text); err != nil {
			p.add(below(at, member), "want a text")
			continue
		}
		if texts[tag] = ""; text != nil {
			texts[tag] = strings.TrimSpace(*text)
		}
	}
	return texts
}

// meaning is the same text for tags that mean the same: ja and ja-JP do, since that is where
// it is spoken unless somebody says otherwise, en and en-GB do not. A tag that is not known
// means itself alone. RFC 5646 §4.1, UTS 35 §4.3 (likely subtags).
func meaning(tag string) string {
	if known, err := language.Parse(tag); err == nil {
		return likely(known)
	}
	return "unknown " + strings.ToLower(tag)
}

// likely is a tag with the script and region that it leaves out.
func likely(tag language.Tag) string {
	base, _ := tag.Base()
	script, _ := tag.Script()
	region, _ := tag.Region()
	parts := []string{base.String(), script.String(), region.String()}
	for _, variant := range tag.Variants() {
		parts = append(parts, variant.String())
	}
	for _, extension := range tag.Extensions() {
		parts = append(parts, extension.String())
	}
	return strings.Join(parts, "-")
}

// moveName makes the name in one language that in another, if there is one.
func moveName(names map[string]string, from, to string) {
	if name := names[from]; name != "" {
		names[to] = name
	}
	delete(names, from)
}

// NameTag gives the language tag that a member has the client's name in, "" for client_name
// itself. ok is false for any other member.
func NameTag(member string) (tag string, ok bool) {
	name, tag, tagged := strings.Cut(member, "#")
	if name != "client_name" || !tagged {
		return "", name == "client_name"
	}
	return tag, isTag(tag)
}

// isTag tells whether a text looks like a language tag: ja, en-US, zh-Hant-TW. RFC 5646 §2.1.
func isTag(text string) bool {
	if len(text) > longestTag {
		return false
	}
	for part := range strings.SplitSeq(text, "-") {
		if part == "" || len(part) > 8 || strings.ContainsFunc(part, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
		}) {
			return false
		}
	}
	return true
}

// NameIn gives the client's name in the language, of whatever region it is, else the one
// that names no language (RFC 7591 §2.2), else the English one, else its id.
func (c *Client) NameIn(language string) string {
	for _, lang := range []string{language, untagged, "en"} {
		if name := nameIn(c.Name, lang); name != "" {
			return name
		}
	}
	return c.ID
}

// nameIn gives the name under the tag, else the one under the first of those that say more
// than it: ja has that of ja-JP (RFC 4647 §3.3.1); "" when there is none.
func nameIn(names map[string]string, tag string) string {
	if name := names[tag]; name != "" || tag == untagged {
		return name
	}
	found := ""
	for kept := range names {
		if len(kept) < len(tag) || !strings.EqualFold(kept[:len(tag)], tag) || len(kept) > len(tag) && kept[len(tag)] != '-' {
			continue
		}
		if found == "" || len(kept) < len(found) || len(kept) == len(found) && kept < found {
			found = kept
		}
	}
	if found == "" {
		return ""
	}
	return names[found]
}
