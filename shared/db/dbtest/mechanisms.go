package dbtest

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

// mechanisms is the file that both programs have, byte for byte.
const mechanisms = "0001_mechanisms.sql"

// Mechanisms gives the schema of the shared mechanisms, for their own tests. It is read
// from the source, since shared packages import no program.
func Mechanisms(t testing.TB) fs.FS {
	t.Helper()
	return fstest.MapFS{mechanisms: {Data: source(t, "idp/schema/"+mechanisms)}}
}

// source reads a file of the module.
func source(t testing.TB, path string) []byte {
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
	text, err := os.ReadFile(filepath.Join(folder, path))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
