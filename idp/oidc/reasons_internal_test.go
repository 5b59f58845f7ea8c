package oidc

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// A reason that a refusal carries and that the doctor knows nothing of is lost: the client's
// developer would read the sentence instead. Each is one of clients.Reason…, and has a place
// in sayable or a case of its own.
func TestTheDoctorKnowsEachReasonThatARefusalCarries(t *testing.T) {
	carried, known := map[string]string{}, map[string]bool{}
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && carries(call) {
				last := call.Args[len(call.Args)-1]
				if text, ok := last.(*ast.BasicLit); ok && text.Value != `""` {
					t.Errorf("%s: %s is none of clients.Reason…", path, text.Value)
				}
				if name := reasonName(last); name != "" {
					carried[name] = path
				}
			}
			return true
		})
		if strings.HasPrefix(path, "diagnosis") {
			ast.Inspect(file, func(n ast.Node) bool { judged(n, known); return true })
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, path := range carried {
		if !known[name] {
			t.Errorf("%s: the doctor knows nothing of %s", path, name)
		}
	}
	if len(carried) < 10 {
		t.Errorf("found %v, want all that refusals carry", carried)
	}
}

// carries tells whether the call gives a refusal its reason: For, or bad, which uses it.
func carries(call *ast.CallExpr) bool {
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		return f.Sel.Name == "For" && len(call.Args) == 1
	case *ast.Ident:
		return f.Name == "bad" && len(call.Args) == 2
	}
	return false
}

// judged adds the reasons that something depends on: the keys of sayable, what a reason is
// compared with, and the cases of a switch on one.
func judged(n ast.Node, known map[string]bool) {
	switch n := n.(type) {
	case *ast.KeyValueExpr:
		known[reasonName(n.Key)] = true
	case *ast.BinaryExpr:
		if n.Op == token.EQL {
			known[reasonName(n.Y)] = true
		}
	case *ast.CaseClause:
		for _, one := range n.List {
			known[reasonName(one)] = true
		}
	}
}

// reasonName is X of clients.ReasonX, "" for anything else.
func reasonName(e ast.Expr) string {
	if s, ok := e.(*ast.SelectorExpr); ok && strings.HasPrefix(s.Sel.Name, "Reason") {
		return strings.TrimPrefix(s.Sel.Name, "Reason")
	}
	return ""
}
