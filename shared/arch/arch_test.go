package arch_test

import (
	"go/ast"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// arrows: a package may import only what stands in a row below its own; siblings of
// one row do not import each other. Each program has its column. shared/program stands
// above keys, unlike the rest of shared: it starts what both programs have, a key ring
// among it, and only their app may know it.
var arrows = map[string][][]string{
	"idp": {
		{"idp"},
		{"idp/cli"},
		{"idp/app"},
		{"shared/program"},
		{"idp/web", "idp/oidc"},
		{"idp/oidc/checksession", "idp/oidc/singlelogout", "idp/oidc/trial", "idp/oidc/registration", "idp/oidc/metadata", "idp/oidc/grants"},
		{"idp/oidc/tokens"},
		{"idp/oidc/claims", "idp/oidc/clientauth", "idp/oidc/dpop", "idp/oidc/jwe", "idp/oidc/reply", "idp/oidc/requestobject", "idp/oidc/target"},
		{"idp/oidc/wire"},
		{"idp/oidc/jwks", "idp/oidc/jws", "idp/oidc/object", "idp/oidc/sealing"},
		{"idp/devices"},
		{"idp/interaction", "idp/connections"},
		{"idp/accounts", "idp/clients"},
		{"idp/passwords", "idp/factors", "idp/sessions"},
		{"idp/notify"},
		{"idp/schema"},
		{"keys"},
		{"shared"},
	},
	"tracker": {
		{"tracker/e2e"},
		{"tracker"},
		{"tracker/cli"},
		{"tracker/app"},
		{"shared/program"},
		{"tracker/web", "tracker/sso"},
		{"tracker/transcripts", "tracker/badges", "tracker/logos", "tracker/fulfilment", "tracker/scheduling", "tracker/support", "tracker/feeds"},
		{"tracker/certifications"},
		{"tracker/exams", "tracker/credits", "tracker/agreements"},
		{"tracker/candidates"},
		{"tracker/schema"},
		{"keys"},
		{"shared"},
	},
}

// exceptions, each with its reason.
var exceptions = map[[2]string]string{
	{"tracker/e2e", "idp/app"}: "the end-to-end stories start both programs",
}

// row finds the row and the area of a folder: the longest name that fits.
func row(column [][]string, folder string) (at int, area string) {
	at = -1
	for i, names := range column {
		for _, name := range names {
			exact := name == "idp" || name == "tracker"
			if (folder == name || !exact && below(folder, name)) && len(name) >= len(area) {
				at, area = i, name
			}
		}
	}
	return at, area
}

func TestArrowsPointOneWay(t *testing.T) {
	for _, f := range tree(t) {
		program, _, _ := strings.Cut(f.pkg, "/")
		column, ok := arrows[program]
		if !ok {
			column = [][]string{{"shared/program"}, {"keys"}, {"shared"}}
		}
		from, area := row(column, f.pkg)
		if from < 0 {
			t.Errorf("%s: package %s has no place in the arrows", f.path, f.pkg)
			continue
		}
		for _, target := range f.ours() {
			to, targetArea := row(column, target)
			switch {
			case area == targetArea, f.test && external(f):
			case exceptions[[2]string{area, targetArea}] != "", allowed(area, target):
			case to <= from:
				t.Errorf("%s: %s imports %s, against the arrows", f.path, f.pkg, target)
			}
		}
	}
}

// external tells whether a test file is of package x_test: such tests may start the
// whole program.
func external(f file) bool { return strings.HasSuffix(f.ast.Name.Name, "_test") }

func allowed(area, target string) bool {
	for pair := range exceptions {
		if pair[0] == area && below(target, pair[1]) {
			return true
		}
	}
	return false
}

// httpAreas may speak HTTP; the rest decides and remembers.
var httpAreas = []string{
	"idp/web", "idp/oidc", "idp/app", "idp/notify", "tracker/web", "tracker/sso", "tracker/app",
	"tracker/feeds", "tracker/e2e", "shared/serve", "shared/page", "shared/browser", "shared/observe", "shared/fetch",
	"shared/program", "shared/verbs",
}

func TestHTTPStaysAtTheEdge(t *testing.T) {
	for _, f := range tree(t) {
		if f.test {
			continue
		}
		for _, path := range f.imports() {
			if path == "net/http" && !anyBelow(f.pkg, httpAreas) {
				t.Errorf("%s imports net/http: only %v may", f.path, httpAreas)
			}
		}
	}
}

func TestSQLStaysInStores(t *testing.T) {
	for _, f := range tree(t) {
		name := f.path[strings.LastIndex(f.path, "/")+1:]
		if f.test || strings.HasPrefix(name, "store") || below(f.pkg, "shared/db") {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if ok && isSQL(lit.Value) {
				t.Errorf("%s:%d: SQL outside of a store*.go", f.path, f.line(lit.Pos()))
			}
			return true
		})
	}
}

// deletesOld finds what deletes the rows of a time that is over.
var deletesOld = regexp.MustCompile(`(?s)delete from .*\bat < \$|delete from .*_at < \$`)

// A DELETE of all that is over holds up every other writer on SQLite, for seconds after a
// busy hour: db.Sweep takes a few rows at a time.
func TestWhatIsOverIsDeletedAFewRowsAtATime(t *testing.T) {
	few := []string{"keys/store_readers.go", "idp/oidc/sealing/store.go"} // never has more than a few rows
	for _, f := range tree(t) {
		if f.test || slices.Contains(few, f.path) {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if ok && deletesOld.MatchString(lit.Value) && !strings.Contains(lit.Value, " limit $") {
				t.Errorf("%s:%d: a DELETE without an end, want db.Sweep", f.path, f.line(lit.Pos()))
			}
			return true
		})
	}
}

// isSQL tells whether a string literal is a statement of ours.
func isSQL(literal string) bool {
	s := strings.ToLower(strings.TrimLeft(literal, "`\" \t\r\n"))
	for _, start := range []string{"select ", "insert into ", "delete from ", "create table ", "begin immediate"} {
		if strings.HasPrefix(s, start) {
			return true
		}
	}
	return strings.HasPrefix(s, "update ") && strings.Contains(s, " set ")
}

func anyBelow(folder string, areas []string) bool {
	for _, area := range areas {
		if below(folder, area) {
			return true
		}
	}
	return false
}

// The budgets of the house.
const (
	maxFile = 500
	maxFunc = 80
)

func TestBudgetsHold(t *testing.T) {
	for _, f := range tree(t) {
		if n := f.line(f.ast.End()); n > maxFile {
			t.Errorf("%s has %d lines, more than %d: which subject wants a file of its own?", f.path, n, maxFile)
		}
		if f.test {
			continue
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := f.line(fn.End()) - f.line(fn.Pos()) + 1; n > maxFunc {
				t.Errorf("%s: %s has %d lines, more than %d", f.path, fn.Name.Name, n, maxFunc)
			}
		}
	}
}

func TestEveryPackageOpensWithAMap(t *testing.T) {
	documented, seen := map[string]bool{}, map[string]bool{}
	for _, f := range tree(t) {
		if f.test {
			continue
		}
		seen[f.pkg] = true
		if f.ast.Doc != nil {
			documented[f.pkg] = true
		}
	}
	for pkg := range seen {
		if !documented[pkg] {
			t.Errorf("package %s has no doc comment", pkg)
		}
	}
}

// badNames say nothing about what they hold.
var badNames = []string{"util", "utils", "common", "helper", "helpers", "model", "models", "manager", "impl", "base", "dto"}

func TestPackagesAreNamedForTheirSubject(t *testing.T) {
	for _, f := range tree(t) {
		for _, bad := range badNames {
			if strings.HasSuffix(f.pkg, "/"+bad) {
				t.Errorf("package %s: %q names no subject", f.pkg, bad)
			}
		}
	}
}

func TestTopLevelIsAsTheOwnerFixedIt(t *testing.T) {
	fixed := map[string]bool{
		"idp": true, "tracker": true, "shared": true, "keys": true, "configs": true, "testdata": true,
		"go.mod": true, "go.sum": true, "Makefile": true, "README.md": true, "LICENSE": true, "var": true,
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !fixed[e.Name()] && !strings.HasPrefix(e.Name(), ".") {
			t.Errorf("top level holds %s", e.Name())
		}
	}
}
