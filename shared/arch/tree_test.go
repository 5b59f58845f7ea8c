package arch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// module is the path of our module; root is where it lies, seen from this package.
const (
	module = "tegata"
	root   = "../.."
)

// file is one Go file of the tree, parsed.
type file struct {
	path string // "idp/web/login.go"
	pkg  string // "idp/web", the folder
	test bool
	ast  *ast.File
	set  *token.FileSet
}

// imports gives the paths that the file imports.
func (f file) imports() []string {
	all := make([]string, len(f.ast.Imports))
	for i, spec := range f.ast.Imports {
		all[i], _ = strconv.Unquote(spec.Path.Value)
	}
	return all
}

// ours gives the folders of our own packages that the file imports.
func (f file) ours() []string {
	var all []string
	for _, path := range f.imports() {
		if folder, ok := strings.CutPrefix(path, module+"/"); ok {
			all = append(all, folder)
		}
	}
	return all
}

func (f file) line(p token.Pos) int { return f.set.Position(p).Line }

// tree parses every Go file of the module; nested modules are not ours to judge.
func tree(t *testing.T) []file {
	t.Helper()
	var all []file
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		if d.IsDir() {
			return skip(path, rel)
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		all = append(all, file{
			path: filepath.ToSlash(rel), pkg: filepath.ToSlash(filepath.Dir(rel)),
			test: strings.HasSuffix(path, "_test.go"), ast: parsed, set: set,
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("only %d Go files found below %s", len(all), root)
	}
	return all
}

func skip(path, rel string) error {
	if rel == "." {
		return nil
	}
	if strings.HasPrefix(filepath.Base(rel), ".") || rel == "var" {
		return fs.SkipDir
	}
	if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

// below tells whether folder is area or lies in it.
func below(folder, area string) bool {
	return folder == area || strings.HasPrefix(folder, area+"/")
}
