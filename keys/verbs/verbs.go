// Package verbs is the key ring on the command line of both programs.
//
//	keys list                        every key, and who reads the set (list.go)
//	keys stage                       the next key is made (stage.go)
//	keys promote, rotate             it signs; and one more is made (promote.go)
//	keys retire, revoke              a key goes, in peace or not (retire.go, revoke.go)
//	keys recover                     a backup was restored (recover.go)
//	keys schedule                    running programs rotate by themselves (schedule.go)
//	keys rewrap                      another key-encryption key (rewrap.go)
//	keys export, import              the public set; private keys for an escrow, and back (export.go, import.go)
//	keys verify                      checks (verify.go)
//
// Each verb knows --json and --dry-run.
package verbs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tegata/keys"
	"tegata/shared/fault"
	"tegata/shared/verbs"
)

// Keys is what the verbs work with.
type Keys struct {
	verbs.Std
	Name   string                                                          // of the program
	Open   func(ctx context.Context, do func(ring *keys.Ring) error) error // opens, does, closes
	Served func(ctx context.Context) ([]byte, error)                       // the key set as readers get it; nil: cannot be asked for
	Again  []Again                                                         // what a restored backup undoes besides keys and sessions
}

// Again is something that a restored backup undoes, and the verb that does it once more, ""
// where there is none.
type Again struct {
	What string `json:"what"`
	Run  string `json:"run"`
}

// Command gives the keys command.
func (k Keys) Command() *cobra.Command {
	group := &cobra.Command{
		Use:   "keys",
		Short: "The signing keys: list, rotate, revoke, back up and check them",
		Long: "A signing key is next, then active, then retired, and is deleted when nothing that it\n" +
			"signed can be alive. A running " + k.Name + " follows what is done here within seconds.\n\n" +
			"Six letters of a kid will do when no other begins so. Write -- before a kid that begins\n" +
			"with a dash: " + k.Name + " keys retire --purge -- -x7fQ\n\n" +
			"With --json a refusal is a JSON object with a \"problem\" on standard output, unless what was\n" +
			"found is told there already: as it is by promote and rotate for each algorithm, by import\n" +
			"and verify. The sentence on standard error and the exit code are the same as without.",
		Args: cobra.NoArgs,
	}
	group.AddCommand(k.list(), k.stage(), k.promote(), k.rotate(), k.retire(), k.revoke(), k.recover(),
		k.schedule(), k.rewrap(), k.export(), k.importing(), k.verify())
	return verbs.RefusesInJSON(group)
}

// flags are those of every verb that changes something.
type flags struct{ json, dry bool }

func (f *flags) on(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
	cmd.Flags().BoolVarP(&f.dry, "dry-run", "n", false, "say what would be done, and do nothing")
}

// looks is for the verbs that change nothing: scripts may give them the same flags.
func (f *flags) looks(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
	cmd.Flags().BoolVarP(&f.dry, "dry-run", "n", false, "makes no difference: nothing is changed anyway")
}

// takesKID makes cmd check its arguments, and tell where a kid with a dash belongs when
// one was taken for a flag, or a flag for one.
func takesKID(cmd *cobra.Command, check cobra.PositionalArgs) {
	const order = "a kid that begins with a dash comes last: flags first, then -- KID"
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		err := check(cmd, args)
		if err != nil && slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "-") }) {
			return verbs.Usagef("%w; %s", err, order)
		}
		return err
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		if strings.HasPrefix(err.Error(), "unknown shorthand flag") {
			return verbs.Usagef("%w; %s", err, order)
		}
		return err
	})
}

// verb builds a command that works on the ring.
func (k Keys) verb(cmd *cobra.Command, do func(ctx context.Context, ring *keys.Ring, args []string) error) *cobra.Command {
	cmd.RunE = verbs.Do(func(cmd *cobra.Command, args []string) error {
		return k.Open(cmd.Context(), func(ring *keys.Ring) error {
			ring.Actor = "cli"
			return told(do(cmd.Context(), ring, args))
		})
	})
	return cmd
}

// told turns refusals of the ring into sentences.
func told(err error) error {
	f := fault.Of(err)
	if f == nil {
		return err
	}
	switch f.Key {
	case "keys.unknown_kid":
		return fmt.Errorf("there is no key %s; see: keys list", verbs.Plain(fmt.Sprint(f.Args["kid"])))
	case "keys.no_next":
		return fmt.Errorf("there is no next %s key; make one: keys stage %[1]s", verbs.Plain(fmt.Sprint(f.Args["alg"])))
	case "keys.rotated_elsewhere":
		return errors.New("the ring changed at the same moment; look at it and try again")
	case "keys.device_crowded":
		return fmt.Errorf("the PKCS #11 device has no session left for us: %w", f.Unwrap())
	case "keys.device_away":
		return fmt.Errorf("the PKCS #11 device cannot be used now: %w", f.Unwrap())
	}
	return err
}

// would begins a sentence: "would " in a dry run.
func (f flags) would(text string) string {
	if f.dry {
		return "would: " + text
	}
	return text
}

// pushWarning is what happens when the push key changes.
const pushWarning = "Every push subscription ends: browsers bind it to this key. People have to switch push on again in each browser."

// confirm asks for the word to be typed. It is for what cannot be undone.
func (k Keys) confirm(word, question string) error {
	fmt.Fprintf(k.Err, "%s\nType %s to go on: ", question, word)
	line, err := bufio.NewReader(io.LimitReader(k.In, 1024)).ReadString('\n')
	if got := strings.TrimSpace(line); got == word {
		return nil
	} else if err != nil && got == "" {
		fmt.Fprintln(k.Err)
		return verbs.Usagef("nothing was typed; without a terminal use --yes")
	}
	return errors.New("that is not it; nothing was changed")
}

// keyJSON is a key as --json prints it. One that a dry run would make has an algorithm and
// a state, and null for the rest.
type keyJSON struct {
	KID         *string    `json:"kid"`
	Alg         string     `json:"alg"`
	State       keys.State `json:"state"`
	CreatedAt   *time.Time `json:"created_at"`
	StagedAt    *time.Time `json:"staged_at"`
	PublishedAt *time.Time `json:"published_at"`
	ActivatedAt *time.Time `json:"activated_at"`
	RetiredAt   *time.Time `json:"retired_at"`
	RevokedAt   *time.Time `json:"revoked_at"`
	PurgeAfter  *time.Time `json:"purge_after"`
	Server      string     `json:"application_server_key,omitempty"` // of a push key
	Private     *string    `json:"private_half"`                     // "sealed", "device" or "gone"
	SealedBy    *string    `json:"sealed_by"`                        // the key-encryption key that seals it; null when nothing does
	Device      *string    `json:"device"`
}

func toJSON(k keys.Key) keyJSON {
	if k.KID == "" {
		return keyJSON{Alg: k.Alg, State: k.State}
	}
	private, sealedBy := privateHalf(k), &k.SealedBy
	if private != "sealed" {
		sealedBy = nil
	}
	return keyJSON{&k.KID, k.Alg, k.State, orNull(k.CreatedAt), orNull(k.StagedAt), k.PublishedAt, k.ActivatedAt, k.RetiredAt, k.RevokedAt,
		k.PurgeAfter, k.ApplicationServerKey(), &private, sealedBy, &k.Device}
}

// orNull gives nil for the zero time: what a key of a backup, say, does not have.
func orNull(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

func allJSON(all []keys.Key) []keyJSON {
	list := make([]keyJSON, len(all))
	for i, key := range all {
		list[i] = toJSON(key)
	}
	return list
}

func maybe(k *keys.Key) *keyJSON {
	if k == nil {
		return nil
	}
	one := toJSON(*k)
	return &one
}

func kids(all []keys.Key) string {
	var list []string
	for _, k := range all {
		list = append(list, k.KID)
	}
	return strings.Join(list, ", ")
}
