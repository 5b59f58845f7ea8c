package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"tegata/shared/verbs"
	"tegata/shared/verbs/verbstest"
)

func TestEveryGroupRefusesAVerbThatItDoesNotHave(t *testing.T) {
	verbstest.Groups(t, func(out, errs *strings.Builder) *cobra.Command {
		return command(verbs.Std{In: strings.NewReader(""), Out: out, Err: errs})
	})
}
