package web_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"tegata/idp/clients"
	"tegata/idp/web"
	"tegata/shared/locale"
	"tegata/shared/page"
)

var (
	japanese = regexp.MustCompile(`[\p{Hiragana}\p{Katakana}\p{Han}]`)
	sentence = regexp.MustCompile(`^[A-Z].* .*\.$`)
	code     = regexp.MustCompile(`^[a-z]+_[a-z_]+$`)
)

// refusals reads what the protocol may say: every sentence and every error code of its
// sources. A sentence that is put together has a "*" where something is put in.
func refusals(t *testing.T) (sentences, codes map[string]bool) {
	t.Helper()
	sentences, codes = map[string]bool{}, map[string]bool{"invalid_token": true, "insufficient_scope": true}
	apart := map[string]bool{"registration": true, "interop": true, "trial": true, "oryx": true} // no diary
	err := filepath.WalkDir("../oidc", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && apart[d.Name()]:
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if name := called(n); name == "Refuse" || name == "RefuseAs" {
					codes[text(n.Args[0])] = true
				}
			case *ast.KeyValueExpr:
				if code.MatchString(text(n.Key)) && sentence.MatchString(text(n.Value)) {
					codes[text(n.Key)] = true
				}
			case *ast.BinaryExpr:
				if s := text(n); sentence.MatchString(s) {
					sentences[s] = true
					return false
				}
			case *ast.BasicLit:
				if s := text(n); sentence.MatchString(s) {
					sentences[s] = true
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	delete(codes, "*")
	return sentences, codes
}

func called(n *ast.CallExpr) string {
	switch f := n.Fun.(type) {
	case *ast.SelectorExpr:
		return f.Sel.Name
	case *ast.Ident:
		return f.Name
	}
	return ""
}

// text gives a text as it stands in the source, "*" for what is not one.
func text(n ast.Expr) string {
	switch n := n.(type) {
	case *ast.BasicLit:
		if s, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
			return s
		}
	case *ast.BinaryExpr:
		if n.Op == token.ADD {
			return text(n.X) + text(n.Y)
		}
	}
	return "*"
}

func doctorWords(t *testing.T) *locale.Catalog {
	t.Helper()
	words, err := locale.Load(append(web.Locales(), page.Locales())...)
	if err != nil {
		t.Fatal(err)
	}
	return words
}

// Whatever the protocol refuses, the doctor tells it in the reader's language, and in
// English letter by letter as the client got it.
func TestTheDoctorTellsEveryRefusalInEveryLanguage(t *testing.T) {
	words := doctorWords(t)
	sentences, codes := refusals(t)
	if len(sentences) < 150 || len(codes) < 25 {
		t.Fatalf("%d sentences and %d codes were found: is the walk right?", len(sentences), len(codes))
	}
	english := map[string]string{}
	for _, key := range words.Keys("en") {
		if strings.HasPrefix(key, "refusal.") {
			english[words.Text("en", key, nil)] = key
		}
	}
	for one := range sentences {
		like := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(one), `\*`, ".*") + "$")
		found := false
		for said := range english {
			if !like.MatchString(said) {
				continue
			}
			found = true
			r := clients.Request{Outcome: "invalid_request", Reason: clients.ReasonOther, Details: map[string]string{"why": said}}
			if got := r.Told(words, "en"); !strings.Contains(got, said) {
				t.Errorf("%q in English: %q", said, got)
			}
			ja := words.Text("ja", "doctor.reason.other", map[string]any{"why": words.Text("ja", english[said], nil)})
			if got := r.Told(words, "ja"); got != ja || !japanese.MatchString(words.Text("ja", english[said], nil)) {
				t.Errorf("%q in Japanese: %q, want %q", said, got, ja)
			}
		}
		if !found {
			t.Errorf("idp/web/refusals has no %q", one)
		}
	}
	for one := range codes {
		if !words.Has("doctor.code." + one) {
			t.Errorf("there is no doctor.code.%s", one)
		}
	}
}

// A sentence that nobody has translated yet does not reach a page in another language.
func TestTheDoctorTellsTheCodeWhereASentenceHasNoTranslation(t *testing.T) {
	words := doctorWords(t)
	const why = "Something that nobody has translated."
	for _, reason := range []clients.Reason{clients.ReasonOther, clients.ReasonAssertion, clients.ReasonProof, clients.ReasonCertificate} {
		r := clients.Request{Outcome: "invalid_client", Reason: reason, Details: map[string]string{"why": why}}
		if got := r.Told(words, "en"); !strings.Contains(got, why) {
			t.Errorf("%s in English: %q, want the sentence", reason, got)
		}
		if got := r.Told(words, "ja"); strings.Contains(got, why) || !strings.Contains(got, words.Text("ja", "doctor.code.invalid_client", nil)) {
			t.Errorf("%s in Japanese: %q, want what the code means", reason, got)
		}
		r.Outcome = "newest_code"
		if got := r.Told(words, "ja"); strings.Contains(got, why) || !strings.Contains(got, "newest_code") || !japanese.MatchString(got) {
			t.Errorf("%s with a new code: %q, want the code", reason, got)
		}
	}
}
