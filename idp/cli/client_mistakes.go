package cli

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"

	"tegata/idp/clients"
	"tegata/shared/verbs"
)

// wrongly tells the mistakes of a registration: the command is what has to be changed, be it
// its flags or the file that they name. What flags said goes by the names of the flags, and so
// does what is missing where there is no file.
func (g *registration) wrongly(err error, f *pflag.FlagSet) error {
	var problems clients.Problems
	if !errors.As(err, &problems) {
		return err
	}
	lines := make([]string, len(problems))
	for i, one := range problems {
		lines[i] = one.Path + ": " + one.Message
		if name, end := flagOf(strings.TrimPrefix(one.Path, "client.")); name != "" && (g.file == "" || f.Changed(name)) {
			lines[i] = "--" + name + end + ": " + one.Message
		}
	}
	return verbs.Usagef("%s", strings.Join(lines, "\n     "))
}

// flagOf gives the flag that sets what the path names, "" where there is none, and what
// follows it in the path.
func flagOf(path string) (name, end string) {
	member := path
	if at := strings.IndexAny(path, ".["); at >= 0 {
		member, end = path[:at], path[at:]
	}
	switch member {
	case "client_name":
		return "name", ""
	case "client_id":
		return "id", ""
	}
	for _, one := range clientFlags {
		if one.member == member {
			return one.name, end
		}
	}
	return "", ""
}
