package cli

import (
	"fmt"
	"io"
	"os"

	"tegata/idp/accounts"
	"tegata/idp/app"
)

// welcome tells a developer where everything is and whom to log in as. Only a
// development run says so: elsewhere there are no such people and no postbox.
func welcome(out io.Writer, c app.Config) {
	if !c.Development {
		return
	}
	fmt.Fprintf(out, "\n  Tegata ID              %s\n", c.PublicURL)
	if c.Mail.Transport == "postbox" {
		fmt.Fprintf(out, "  Postbox                %s/dev/postbox\n", c.PublicURL)
	}
	f, err := os.Open(c.PeopleFile)
	if err != nil {
		return
	}
	defer f.Close()
	people, err := accounts.ReadPeople(f)
	if err != nil || len(people) == 0 {
		return
	}
	fmt.Fprintf(out, "  Log in as (%s)\n", c.PeopleFile)
	for _, p := range people {
		fmt.Fprintf(out, "    %-28s %s\n", p.Email, p.Password)
	}
	fmt.Fprintln(out)
}
