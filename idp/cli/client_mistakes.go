package cli

import (
	"errors"
	"strings"

	"tegata/idp/clients"
	"tegata/shared/verbs"
)

// inFlags tells the mistakes of a registration that came from flags alone by the names of
// the flags: the command is what has to be changed.
func inFlags(err error) error {
	var problems clients.Problems
	if !errors.As(err, &problems) {
		return err
	}
	lines := make([]string, len(problems))
	for i, one := range problems {
		lines[i] = flagOf(strings.TrimPrefix(one.Path, "client.")) + ": " + one.Message
	}
	return verbs.Usagef("%s", strings.Join(lines, "\n     "))
}

// flagOf gives the flag that sets what the path names, or the path where there is none.
func flagOf(path string) string {
	member, end := path, ""
	if at := strings.IndexAny(path, ".["); at >= 0 {
		member, end = path[:at], path[at:]
	}
	switch member {
	case "client_name":
		return "--name"
	case "client_id":
		return "--id"
	}
	for _, one := range clientFlags {
		if one.member == member {
			return "--" + one.name + end
		}
	}
	return path
}
