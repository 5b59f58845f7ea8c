package cli_test

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"tegata/idp/cli"
)

// invitation sets INVITATION to the id of the newest initial access token.
func invitation(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: invitation")
	}
	var out, errs bytes.Buffer
	if code := cli.Main([]string{"client", "invitations", "--json"}, strings.NewReader(""), &out, &errs, environ(ts)); code != 0 {
		ts.Fatalf("client invitations: %s", errs.String())
	}
	var all []struct{ ID string }
	if err := json.Unmarshal(out.Bytes(), &all); err != nil || len(all) == 0 {
		ts.Fatalf("client invitations: %v, %s", err, out.String())
	}
	ts.Setenv("INVITATION", all[0].ID)
}
