// Command tracker is Tegata Certifications, the certification tracker. See cli.
package main

import (
	"os"

	"tegata/tracker/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ()))
}
