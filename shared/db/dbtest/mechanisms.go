package dbtest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

// mechanisms are the files that both programs have, byte for byte, in the order in which
// they are applied. Their numbers are each program's own.
var mechanisms = []string{"mechanisms", "keys_and_certificates"}

// Mechanisms gives the schema of the shared mechanisms, for their own tests. It is read
// from the source, since shared packages import no program. The files of the two programs
// have to be the same.
func Mechanisms(t testing.TB) fs.FS {
	t.Helper()
	all := fstest.MapFS{}
	for i, name := range mechanisms {
		idp, tracker := source(t, "idp/schema/*_"+name+".sql"), source(t, "tracker/schema/*_"+name+".sql")
		if string(idp) != string(tracker) {
			t.Fatalf("dbtest: the programs differ in %s.sql", name)
		}
		all[fmt.Sprintf("%04d_%s.sql", i+1, name)] = &fstest.MapFile{Data: idp}
	}
	return all
}

// source reads the one file of the module that fits the pattern.
func source(t testing.TB, pattern string) []byte {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			break
		}
		up := filepath.Dir(folder)
		if up == folder {
			t.Fatal("dbtest: not inside the module")
		}
		folder = up
	}
	found, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("dbtest: %d files fit %s (%v), want one", len(found), pattern, err)
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return text
}
