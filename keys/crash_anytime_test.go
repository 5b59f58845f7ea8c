package keys_test

import (
	"bufio"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"tegata/keys"
	"tegata/shared/db/dbtest"
)

// A process that changes the ring all the time is killed at moments that nobody chose.
// TEGATA_KILL_ROUNDS asks for more rounds.
func TestAKillAtAnyMomentLeavesOneActiveKey(t *testing.T) { // F-03
	rounds, err := strconv.Atoi(os.Getenv("TEGATA_KILL_ROUNDS"))
	if err != nil || rounds < 1 {
		rounds = 12
	}
	dbtest.EachURL(t, func(t *testing.T, url string) {
		d := dbtest.Open(t, url, mechanisms(t))
		clearRing(t, d)
		r, kekFile := ringUnderNewKey(t, d)
		if err := preparations["import"](t.Context(), r); err != nil {
			t.Fatal(err)
		}
		for range rounds {
			killAnytime(t, url, kekFile)
			after, err := openRing(t.Context(), d, kekFile)
			if err != nil {
				t.Fatal(err)
			}
			if got := states(t, after, "ES256"); got[keys.Active] != 1 || got[keys.Next] > 1 {
				t.Fatalf("%v, want one active key", got)
			}
			checkSignature(t, after, "ES256")
			noneIsBack(t, after)
			findings(t, after, "")
		}
		changes := 0
		if err := d.Row(t.Context(), `select generation from key_ring`, nil, &changes); err != nil || changes < rounds {
			t.Errorf("%d changes in %d rounds %v: they were killed before they did anything", changes, rounds, err)
		}
	})
}

// killAnytime lets a process change the ring and kills it within a tenth of a second.
func killAnytime(t *testing.T, url, kekFile string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "KEYS_WORK=churn", "KEYS_URL="+url, "KEYS_KEK="+kekFile)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "begun\n" {
		t.Errorf("the process said %q %v", line, err)
	}
	<-time.After(10*time.Millisecond + rand.N(90*time.Millisecond))
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait() // killed
}
