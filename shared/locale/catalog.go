package locale

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// Catalog holds the messages of a program in all its languages. It never changes
// after Load, so any number of requests may read it.
type Catalog struct {
	languages []string
	tags      []language.Tag
	matcher   language.Matcher
	messages  map[string]map[string]message // language → key
}

// message is one sentence, by plural form; most have only plural.Other.
type message map[plural.Form]text

// text is a sentence cut at its placeholders: literal, name, literal, name, literal …
type text []string

// forms are the names of plural forms in a catalog file.
var forms = map[string]plural.Form{
	"zero": plural.Zero, "one": plural.One, "two": plural.Two,
	"few": plural.Few, "many": plural.Many, "other": plural.Other,
}

// Load reads every LANGUAGE.yaml at the top of each folder. A key of a later folder
// replaces that of an earlier one, so that an operator can reword a sentence. The
// first language (by name, English if there) is what unknown readers get.
func Load(folders ...fs.FS) (*Catalog, error) {
	c := &Catalog{messages: map[string]map[string]message{}}
	for _, folder := range folders {
		if err := c.add(folder); err != nil {
			return nil, err
		}
	}
	if len(c.messages) == 0 {
		return nil, fmt.Errorf("locale: no catalog found")
	}
	c.languages = slices.Sorted(maps.Keys(c.messages))
	if i := slices.Index(c.languages, "en"); i > 0 {
		c.languages = slices.Insert(slices.Delete(c.languages, i, i+1), 0, "en")
	}
	for _, l := range c.languages {
		tag, err := language.Parse(l)
		if err != nil {
			return nil, fmt.Errorf("locale: catalog %s.yaml: %w", l, err)
		}
		c.tags = append(c.tags, tag)
	}
	c.matcher = language.NewMatcher(c.tags)
	return c, nil
}

func (c *Catalog) add(folder fs.FS) error {
	names, err := fs.Glob(folder, "*.yaml")
	if err != nil {
		return err
	}
	for _, name := range names {
		raw, err := fs.ReadFile(folder, name)
		if err != nil {
			return err
		}
		if err := c.parse(strings.TrimSuffix(name, ".yaml"), raw); err != nil {
			return fmt.Errorf("locale: %s: %w", name, err)
		}
	}
	return nil
}

// parse adds the messages of one file.
func (c *Catalog) parse(lang string, raw []byte) error {
	var flat map[string]any
	if err := yaml.UnmarshalWithOptions(raw, &flat, yaml.Strict()); err != nil {
		return err
	}
	if c.messages[lang] == nil {
		c.messages[lang] = make(map[string]message, len(flat))
	}
	for key, value := range flat {
		m, err := read(value)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		c.messages[lang][key] = m
	}
	return nil
}

// read makes a message of a YAML value: a sentence, or one per plural form.
func read(value any) (message, error) {
	switch v := value.(type) {
	case string:
		return message{plural.Other: cut(v)}, nil
	case map[string]any:
		m := message{}
		for name, sentence := range v {
			form, known := forms[name]
			s, isText := sentence.(string)
			if !known || !isText {
				return nil, fmt.Errorf("%q is no plural form with a sentence", name)
			}
			m[form] = cut(s)
		}
		if m[plural.Other] == nil {
			return nil, fmt.Errorf("the form \"other\" is missing")
		}
		return m, nil
	}
	return nil, fmt.Errorf("want a sentence (write it in quotes), got %v", value)
}

// cut splits a sentence at its placeholders. Braces around anything but a name
// (small letters, digits, underscores) are part of the sentence.
func cut(s string) text {
	parts := text{""}
	for s != "" {
		open := strings.IndexByte(s, '{')
		if open < 0 {
			break
		}
		end := strings.IndexByte(s[open:], '}')
		if end < 0 {
			break
		}
		name := s[open+1 : open+end]
		last := len(parts) - 1
		if isName(name) {
			parts[last] += s[:open]
			parts = append(parts, name, "")
		} else {
			parts[last] += s[:open+end+1]
		}
		s = s[open+end+1:]
	}
	parts[len(parts)-1] += s
	return parts
}

func isName(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// Languages gives the languages there are, the one for unknown readers first.
func (c *Catalog) Languages() []string { return slices.Clone(c.languages) }

// Keys gives the keys of a language in order.
func (c *Catalog) Keys(lang string) []string { return slices.Sorted(maps.Keys(c.messages[lang])) }

// Has tells whether there is a sentence for key in any language.
func (c *Catalog) Has(key string) bool {
	for _, l := range c.languages {
		if _, ok := c.messages[l][key]; ok {
			return true
		}
	}
	return false
}

// Text gives the sentence for key in lang, with args put in for its placeholders.
// A language without the key speaks as the first one does; a key nobody knows is
// given back as it is, so that it is seen and mended. Unknown placeholders stay.
func (c *Catalog) Text(lang, key string, args map[string]any) string {
	return c.Compose(lang, key, args, func(v any) string { return fmt.Sprint(v) }, func(s string) string { return s })
}

// Compose is Text for other media: value writes an argument, literal what stands
// between them (a page escapes it).
func (c *Catalog) Compose(lang, key string, args map[string]any, value func(any) string, literal func(string) string) string {
	m, tag, ok := c.find(lang, key)
	if !ok {
		return literal(key)
	}
	parts := m.pick(tag, args)
	if len(parts) == 1 {
		return literal(parts[0])
	}
	var b strings.Builder
	for i, part := range parts {
		if i%2 == 0 {
			b.WriteString(literal(part))
			continue
		}
		v, given := args[part]
		if !given {
			b.WriteString(literal("{" + part + "}"))
			continue
		}
		b.WriteString(value(v))
	}
	return b.String()
}

func (c *Catalog) find(lang, key string) (message, language.Tag, bool) {
	if m, ok := c.messages[lang][key]; ok {
		return m, c.tags[slices.Index(c.languages, lang)], true
	}
	m, ok := c.messages[c.languages[0]][key]
	return m, c.tags[0], ok
}

// pick chooses the plural form for args["count"].
func (m message) pick(tag language.Tag, args map[string]any) text {
	if len(m) == 1 {
		return m[plural.Other]
	}
	n, ok := whole(args["count"])
	if !ok {
		return m[plural.Other]
	}
	if t, ok := m[plural.Cardinal.MatchPlural(tag, n, 0, 0, 0, 0)]; ok {
		return t
	}
	return m[plural.Other]
}

func whole(v any) (int, bool) {
	switch n := v.(type) {
	case int:
		return n, true
	case int64:
		return int(n), true
	case float64: // from JSON
		return int(n), n == float64(int(n))
	}
	return 0, false
}
