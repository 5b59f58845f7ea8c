package keys

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"tegata/shared/secret"
)

const (
	// beatEvery is how often a running program says that it runs.
	beatEvery = 10 * time.Second
	// aliveFor is how long it is taken to run after that.
	aliveFor = 3 * beatEvery
)

// Node is a running program, as it last told itself.
type Node struct {
	ID         string    `json:"id"`
	Host       string    `json:"host"`       // name of the machine and number of the process
	Generation int64     `json:"generation"` // of the ring it serves
	Signs      []string  `json:"signs"`      // the kids it signs with
	Holds      []string  `json:"holds"`      // the key-encryption keys it opens with; the first one seals
	SeenAt     time.Time `json:"seen_at"`
}

// node is this process.
type node struct {
	once sync.Once
	id   string
	host string
	last Node
	beat time.Time // by the machine's clock
	tick time.Time // when the schedule was last looked at, by the machine's clock

	ticked     error     // what came of that
	nextFile   time.Time // the next key-encryption key that was read
	complained string    // the kid that the schedule waits with

	seen       sync.Mutex // one writes down the epoch at a time
	unwritable bool       // its file cannot be written
}

// Nodes gives the programs that run now.
func (r *Ring) Nodes(ctx context.Context) ([]Node, error) {
	return r.nodes(ctx, r.Clock().Add(-aliveFor))
}

// self is this process as it is now.
func (r *Ring) self() Node {
	n := &r.node
	n.once.Do(func() {
		host, _ := os.Hostname()
		n.id, n.host = secret.NewID(), fmt.Sprintf("%s/%d", host, os.Getpid())
	})
	s := r.now.Load()
	me := Node{ID: n.id, Host: n.host, Generation: s.mark.ring, Holds: r.Seal.Holds(), SeenAt: r.Clock()}
	for _, signer := range s.signers {
		me.Signs = append(me.Signs, signer.kid)
	}
	slices.Sort(me.Signs)
	return me
}

// tell writes down that this process runs: every beatEvery, and when it changed.
func (r *Ring) tell(ctx context.Context) error {
	me, n := r.self(), &r.node
	same := me.Generation == n.last.Generation && slices.Equal(me.Signs, n.last.Signs) && slices.Equal(me.Holds, n.last.Holds)
	if same && time.Since(n.beat) < beatEvery {
		return nil
	}
	if err := r.beat(ctx, me); err != nil {
		return err
	}
	n.last, n.beat = me, time.Now()
	return r.remember(ctx)
}

func join(all []string) string { return strings.Join(all, " ") }

func split(text string) []string { return strings.Fields(text) }
