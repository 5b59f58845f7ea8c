package locale

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Sources says where the keys of a catalog are used.
type Sources struct {
	Folders []string // read with all below: *.html, *.go without tests
	Ignore  []string // keys, or beginnings of keys, that may be missing or unused
	Fixed   []string // keys whose Japanese text is prescribed, punctuation and all
}

// Reporter is the part of testing.TB that Check needs.
type Reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// Check reports what would show a reader a wrong sentence or none: a key or a
// placeholder that one language has and another has not, a key that sources use and
// no catalog has, sentences that nobody uses (S-013), and Japanese punctuation of two styles.
func Check(t Reporter, c *Catalog, from Sources) {
	t.Helper()
	c.checkSame(t)
	c.checkJapanese(t, from.Fixed)
	used, err := from.read()
	if err != nil {
		t.Errorf("locale: %v", err)
		return
	}
	for _, key := range slices.Sorted(maps.Keys(used.keys)) {
		if !c.Has(key) && !from.ignored(key) {
			t.Errorf("%s uses the key %s, which no catalog has", used.keys[key], key)
		}
	}
	for _, key := range c.Keys(c.languages[0]) {
		if !used.mentions(key) && !from.ignored(key) {
			t.Errorf("nobody uses the key %s", key)
		}
	}
}

// checkSame compares each language with the first one.
func (c *Catalog) checkSame(t Reporter) {
	t.Helper()
	base := c.languages[0]
	for _, lang := range c.languages[1:] {
		for _, key := range c.Keys(base) {
			m, ok := c.messages[lang][key]
			if !ok {
				t.Errorf("%s.yaml lacks %s", lang, key)
				continue
			}
			if a, b := c.messages[base][key].placeholders(), m.placeholders(); !slices.Equal(a, b) {
				t.Errorf("%s: placeholders %v in %s, %v in %s", key, a, base, b, lang)
			}
		}
		for _, key := range c.Keys(lang) {
			if _, ok := c.messages[base][key]; !ok {
				t.Errorf("%s.yaml lacks %s", base, key)
			}
		}
	}
}

// placeholders gives the names in a message, each once.
func (m message) placeholders() []string {
	names := map[string]bool{}
	for _, parts := range m {
		for i := 1; i < len(parts); i += 2 {
			names[parts[i]] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func (s Sources) ignored(key string) bool {
	return slices.ContainsFunc(s.Ignore, func(start string) bool { return strings.HasPrefix(key, start) })
}

// usage is what the sources say.
type usage struct {
	keys     map[string]string // key → a file that surely means it
	words    map[string]bool   // every string there is
	prefixes []string          // strings that end with a dot: keys are put together from them
}

func (u usage) mentions(key string) bool {
	return u.words[key] || u.keys[key] != "" || slices.ContainsFunc(u.prefixes, func(p string) bool { return strings.HasPrefix(key, p) })
}

func (s Sources) read() (usage, error) {
	u := usage{keys: map[string]string{}, words: map[string]bool{}}
	for _, folder := range s.Folders {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil || d.IsDir():
				return err
			case strings.HasSuffix(path, ".html"):
				return u.readTemplate(path)
			case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
				return u.readGo(path)
			}
			return nil
		})
		if err != nil {
			return u, err
		}
	}
	return u, nil
}

var (
	quoted    = regexp.MustCompile(`"([^"\n]*)"`)
	keyed     = regexp.MustCompile(`\.(?:T|Rich) "([a-z0-9_.]+)"|\.Link [^ ]+ "([a-z0-9_.]+)"|\.In [^ ]+ "([a-z0-9_.]+)"|\.Button "[^"]*" "([a-z0-9_.]+)"|\.Notice "[a-z]+" "([a-z0-9_.]+)"|"(?:hint|empty|label)" "([a-z0-9_.]+)"`)
	fieldCall = regexp.MustCompile(`\.Field "([a-z0-9_]+)"([^{}]*)`)
)

// readTemplate takes the keys of a template.
func (u *usage) readTemplate(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for _, m := range quoted.FindAllStringSubmatch(string(raw), -1) {
		u.word(m[1])
	}
	for _, m := range keyed.FindAllStringSubmatch(string(raw), -1) {
		for _, key := range m[1:] {
			u.sure(key, path)
		}
	}
	for _, m := range fieldCall.FindAllStringSubmatch(string(raw), -1) {
		if !strings.Contains(m[2], `"label`) {
			u.sure("field."+m[1], path)
		}
	}
	return nil
}

// keyArgs says which argument of our own functions is a key.
var keyArgs = map[string]int{"fault.New": 2, "fault.Wrap": 1, "fault.Later": 0}

// readGo takes the keys of a Go file: every string may be one, those of faults and
// page titles are.
func (u *usage) readGo(path string) error {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			u.word(literal(n))
		case *ast.CallExpr:
			if at, ok := keyArgs[called(n)]; ok && at < len(n.Args) {
				u.sure(literal(n.Args[at]), path)
			}
		case *ast.CompositeLit:
			if strings.HasSuffix(fmt.Sprint(n.Type), "page Page}") {
				u.title(n, path)
			}
		}
		return true
	})
	return nil
}

func (u *usage) title(n *ast.CompositeLit, path string) {
	for _, e := range n.Elts {
		if pair, ok := e.(*ast.KeyValueExpr); ok && fmt.Sprint(pair.Key) == "Title" {
			u.sure(literal(pair.Value), path)
		}
	}
}

func called(n *ast.CallExpr) string {
	sel, ok := n.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	return fmt.Sprint(sel.X) + "." + sel.Sel.Name
}

func literal(n ast.Expr) string {
	lit, ok := n.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	s, _ := strconv.Unquote(lit.Value) // the parser has read it
	return s
}

func (u *usage) word(s string) {
	u.words[s] = true
	if strings.HasSuffix(s, ".") && len(s) > 1 && !strings.Contains(s, " ") {
		u.prefixes = append(u.prefixes, s)
	}
}

func (u *usage) sure(key, path string) {
	if key != "" && !strings.HasSuffix(key, ".") && u.keys[key] == "" {
		u.keys[key] = path
	}
}
