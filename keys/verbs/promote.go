package verbs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tegata/keys"
	"tegata/shared/fault"
	"tegata/shared/verbs"
)

func list(all []string) string { return strings.Join(all, " ") }

// succession is what promote and rotate were told.
type succession struct {
	flags
	all, force, stage, yes bool
	alone                  bool // one algorithm, so that its problem is the end
	vouched                []string
}

func (k Keys) promote() *cobra.Command {
	return k.successor(&cobra.Command{
		Use:   "promote ALG… | --all",
		Short: "Let the next key sign, once clients know it, and retire the active one",
	}, false)
}

func (k Keys) rotate() *cobra.Command {
	return k.successor(&cobra.Command{
		Use:   "rotate ALG… | --all",
		Short: "Let the next key sign, retire the active one, stage a new one",
	}, true)
}

func (k Keys) successor(cmd *cobra.Command, stage bool) *cobra.Command {
	s := succession{stage: stage}
	name := strings.Fields(cmd.Use)[0]
	cmd.Long = cmd.Short + ".\n\n" +
		"It is refused until nobody can hold the key set without the next key in a cache any more, and\n" +
		"until every client that was active in the last month has fetched the set since. Which\n" +
		"fetch is a client's is told by the address and the agent that it comes from at the token\n" +
		"endpoint. --vouch names clients that are known to be ready, such as those that fetch the set\n" +
		"when they meet a new key; --force asks for nothing. Both are written to the audit log.\n" +
		"What the retired key signed stays valid.\n\n" +
		"The push key (" + keys.Push + ") has no readers and is no part of --all: replacing it ends every push\n" +
		"subscription, so the word " + keys.Push + " has to be typed (or --yes)."
	cmd.Example = "  " + k.Name + " keys " + name + " ES256\n  " + k.Name + " keys " + name + " --all --dry-run"
	work := k.verb(cmd, func(ctx context.Context, ring *keys.Ring, algs []string) error {
		return k.succeed(ctx, ring, s, algs)
	})
	work.Args = func(_ *cobra.Command, algs []string) error {
		if s.all == (len(algs) > 0) {
			return verbs.Usagef("want algorithms or --all")
		}
		return nil
	}
	s.on(work)
	work.Flags().BoolVar(&s.all, "all", false, "every algorithm of the ring, but not the push key")
	work.Flags().BoolVar(&s.force, "force", false, "although clients may not know the key: their log-ins may fail")
	work.Flags().BoolVar(&s.yes, "yes", false, "do not ask about the push key")
	work.Flags().StringArrayVar(&s.vouched, "vouch", nil, "client that is ready although it was not seen fetching (repeatable)")
	return work
}

// promotedJSON is one promotion as --json prints it.
type promotedJSON struct {
	Alg       string        `json:"alg"`
	Done      bool          `json:"done"`
	DryRun    bool          `json:"dry_run"`
	Forced    bool          `json:"forced"` // although the evidence is not enough
	Elsewhere bool          `json:"done_elsewhere"`
	Retired   *keyJSON      `json:"retired"`
	Active    *keyJSON      `json:"active"`
	Next      *keyJSON      `json:"next"`
	Evidence  *evidenceJSON `json:"evidence"`
	Problem   string        `json:"problem,omitempty"` // why it could not be done, besides evidence
}

type evidenceJSON struct {
	Enough    bool           `json:"enough"`
	NotBefore *time.Time     `json:"not_before"`
	Behind    []string       `json:"programs_behind"`
	Clients   []keys.Reading `json:"clients"`
}

func toEvidence(e keys.Evidence) *evidenceJSON {
	return &evidenceJSON{e.Enough(), e.NotBefore, append([]string{}, e.Behind...), append([]keys.Reading{}, e.Readers...)}
}

func (k Keys) succeed(ctx context.Context, ring *keys.Ring, s succession, algs []string) error {
	all, err := ring.List(ctx)
	if err != nil {
		return err
	}
	known := algorithms(all)
	if algs = once(algs); s.all {
		algs = slices.DeleteFunc(slices.Clone(known), func(alg string) bool { return alg == keys.Push })
	}
	s.alone = len(algs) == 1
	if err := areAlgorithms(algs); err != nil {
		return err
	}
	if err := k.haveKeys(ring, known, algs); err != nil {
		return err
	}
	if err := knowsVouched(ctx, ring, s.vouched, algs); err != nil {
		return err
	}
	if err := k.warnOfPush(s, algs); err != nil {
		return err
	}
	done, missed := []promotedJSON{}, missed{}
	for _, alg := range algs {
		one := k.promoteOne(ctx, ring, s, alg, &missed)
		done = append(done, one)
	}
	if s.json {
		if err := verbs.JSON(k.Out, done); err != nil {
			return err
		}
		return verbs.Answered(missed.err(len(algs)))
	}
	return missed.err(len(algs))
}

// haveKeys refuses algorithms that the ring has no key of, and tells how to come to one.
func (k Keys) haveKeys(ring *keys.Ring, known, algs []string) error {
	if len(known) == 0 && !slices.Equal(algs, []string{keys.Push}) {
		return fmt.Errorf("the ring has no keys yet; start %s, which makes them, or take in those of a backup: keys import", k.Name)
	}
	for _, alg := range algs {
		switch {
		case slices.Contains(known, alg):
		case alg == keys.Push:
			return fmt.Errorf("there is no push key; make one: keys stage %s", keys.Push)
		case slices.Contains(ring.Needs, alg):
			return fmt.Errorf("there is no %s key; start %s, which makes it, or take in that of a backup: keys import", alg, k.Name)
		default:
			return fmt.Errorf("there is no %s key; the ring has %s, and %s signs with nothing else", alg, strings.Join(known, ", "), k.Name)
		}
	}
	return nil
}

// missed counts what could not be done, by what helps.
type missed struct {
	unproved, unstaged, failed int
	vouchable                  bool      // of one that is unproved: it suffices to vouch for clients
	until                      time.Time // when caches have dropped the set without the last key that waits for that
	last                       error     // of those that failed
}

// err tells it in the end, nil when all was done.
func (m missed) err(of int) error {
	var hints []string
	if !m.until.IsZero() {
		hints = append(hints, "caches have the key by "+verbs.Time(&m.until)+": wait until then")
	}
	switch {
	case m.vouchable:
		hints = append(hints, "when you know better: --vouch CLIENT or --force")
	case m.unproved > 0:
		hints = append(hints, "when you know better: --force")
	}
	if m.unstaged > 0 {
		hints = append(hints, "make what is missing: keys stage ALG")
	}
	n := m.unproved + m.unstaged + m.failed
	switch {
	case n == 0:
		return nil
	case of == 1 && m.last != nil:
		return m.last
	}
	return fmt.Errorf("%s", strings.Join(append([]string{fmt.Sprintf("%d of %d not promoted", n, of)}, hints...), "; "))
}

// promoteOne promotes one algorithm and tells how it went. What is in the way of one is no
// reason to leave out the others.
func (k Keys) promoteOne(ctx context.Context, ring *keys.Ring, s succession, alg string, m *missed) promotedJSON {
	got, err := ring.Promote(ctx, s.of(alg))
	var wait *keys.NotYet
	if errors.As(err, &wait) {
		m.unproved++
		m.vouchable = m.vouchable || wait.Evidence.Vouchable()
		if at := wait.Evidence.NotBefore; wait.Evidence.Waits && at != nil && at.After(m.until) {
			m.until = *at
		}
		if !s.json {
			k.refuse(alg, wait.Evidence)
		}
		return promotedJSON{Alg: alg, DryRun: s.dry, Evidence: toEvidence(wait.Evidence)}
	}
	if err != nil {
		if m.last = told(err); fault.Is(err, fault.NotFound) {
			m.unstaged++
		} else {
			m.failed++
		}
		if !s.json && !s.alone {
			fmt.Fprintf(k.Err, "%s: %v\n", alg, m.last)
		}
		return promotedJSON{Alg: alg, DryRun: s.dry, Problem: m.last.Error()}
	}
	if !s.json {
		k.tellPromoted(s, alg, got)
	}
	return promotedJSON{
		Alg: alg, Done: !s.dry, DryRun: s.dry, Forced: s.forces(alg, got), Elsewhere: got.Elsewise,
		Retired: maybe(got.Old), Active: maybe(&got.Now), Next: maybe(got.Next), Evidence: toEvidence(got.Evidence),
	}
}

// forces tells whether this call let a key sign without the evidence.
func (s succession) forces(alg string, got keys.Promoted) bool {
	return !got.Elsewise && s.of(alg).Force && !got.Evidence.Enough()
}

// of is what is asked of the ring. A push key has no successor in waiting: to rotate is
// to make a fresh one.
func (s succession) of(alg string) keys.Promotion {
	push := alg == keys.Push
	return keys.Promotion{Alg: alg, Stage: s.stage && !push, Force: s.force || s.stage && push, Vouched: s.vouched, Dry: s.dry}
}

// warnOfPush asks before the push key changes.
func (k Keys) warnOfPush(s succession, algs []string) error {
	switch {
	case !slices.Contains(algs, keys.Push):
		return nil
	case s.dry || s.yes:
		fmt.Fprintln(k.Err, pushWarning)
		return nil
	}
	return k.confirm(keys.Push, pushWarning)
}

// refuse tells who is not known to have the key, and when to try again.
func (k Keys) refuse(alg string, e keys.Evidence) {
	fmt.Fprintf(k.Err, "%s: %s may not sign yet\n", alg, e.Key.KID)
	switch {
	case e.NotBefore == nil && e.Running:
		fmt.Fprintf(k.Err, "  no running %s has published it yet; they do within seconds\n", k.Name)
	case e.NotBefore == nil:
		fmt.Fprintf(k.Err, "  no running %s has published it; start one\n", k.Name)
	case e.Waits:
		fmt.Fprintf(k.Err, "  caches may hold the key set without it; try again at %s\n", verbs.Time(e.NotBefore))
	}
	for _, host := range e.Behind {
		fmt.Fprintf(k.Err, "  not served yet by %s\n", verbs.Plain(host))
	}
	for _, m := range e.Missing() {
		fmt.Fprintf(k.Err, "  %s: %s\n", verbs.Plain(m.ID), verbs.Plain(m.Why))
	}
}

func (k Keys) tellPromoted(s succession, alg string, got keys.Promoted) {
	text := got.Now.KID + " signs"
	if got.Now.KID == "" {
		text = "a fresh key signs"
	}
	if got.Old != nil {
		text += ", " + got.Old.KID + " is retired"
	}
	switch {
	case got.Elsewise && got.Staged && s.dry:
		text += "; that was done a moment ago, without a new key: only that is staged now; if you want another one to sign, wait ten seconds"
	case got.Elsewise && got.Staged:
		text += "; that was done a moment ago, without a new key: only " + got.Next.KID + " is staged now; if you want another one to sign, wait ten seconds"
	case got.Elsewise:
		text += "; that was done a moment ago, and nothing more now; if you want another one, wait ten seconds"
	case s.stage && s.dry && alg != keys.Push:
		text += ", a new key is staged"
	case s.stage && got.Next != nil:
		text += ", " + got.Next.KID + " is staged"
	}
	fmt.Fprintf(k.Out, "%s: %s\n", alg, s.would(text))
	if s.forces(alg, got) {
		fmt.Fprintf(k.Err, "%s: forced although %s\n", alg, verbs.Plain(got.Evidence.Why()))
	}
}

func algorithms(list []keys.Key) (algs []string) {
	for _, key := range list {
		if (key.State == keys.Active || key.State == keys.Next) && !slices.Contains(algs, key.Alg) {
			algs = append(algs, key.Alg)
		}
	}
	return algs
}
