// Tegata ID, the OpenID Provider. `idp --help` lists the verbs; README.md is the map.
package main

import (
	"os"

	"tegata/idp/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ()))
}
