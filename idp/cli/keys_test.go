package cli_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tegata/idp/cli"
)

// gone URL TEXT waits until the page at URL does not hold TEXT any more.
func gone(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: gone URL TEXT")
	}
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		res, err := http.Get(args[0])
		if err != nil {
			continue
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode == http.StatusOK && !strings.Contains(string(body), args[1]) {
			return
		}
	}
	ts.Fatalf("%s still holds %q", args[0], args[1])
}

// kid ALG STATE puts the kid of that key into KID.
func kid(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: kid ALG STATE")
	}
	var out, errs bytes.Buffer
	if code := cli.Main([]string{"keys", "list", "--json"}, strings.NewReader(""), &out, &errs, environ(ts)); code != 0 {
		ts.Fatalf("keys list: %s", errs.String())
	}
	var all []struct{ KID, Alg, State string }
	if err := json.Unmarshal(out.Bytes(), &all); err != nil {
		ts.Fatalf("%v", err)
	}
	for _, k := range all {
		if k.Alg == args[0] && k.State == args[1] {
			ts.Setenv("KID", k.KID)
			return
		}
	}
	ts.Fatalf("there is no %s %s key", args[1], args[0])
}
