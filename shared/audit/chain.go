package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"tegata/shared/fault"
)

const (
	sealBatch  = 200  // events in one transaction of Seal: a few milliseconds
	verifyPage = 1000 // links read at once
	sealTries  = 5    // how often Seal meets another sealer before it leaves the rest to that one
)

// link is one place in the chain and the event that stands there.
type link struct {
	Seq     int64
	EventID string // as the chain says
	Hash    []byte
	Event   *stored // nil when the event is gone
}

// stored is an event as the database has it.
type stored struct {
	Event
	details string // JSON
	seq     *int64 // its place in the chain, if it has one
}

// Seal appends the events that have no place in the chain yet, in the order of their
// ids, and tells how many. Of two nodes that seal at once, one takes each place: the
// number of a place is the primary key.
func (l Log) Seal(ctx context.Context) (int, error) {
	all, lost := 0, 0
	for {
		n, more, err := l.sealSome(ctx)
		switch {
		case fault.Is(err, fault.Conflict) && lost < sealTries:
			lost++
		case fault.Is(err, fault.Conflict):
			return all, nil // another node is at it
		case err != nil:
			return all, err
		default:
			all += n
			if !more {
				return all, nil
			}
		}
	}
}

func (l Log) sealSome(ctx context.Context) (n int, more bool, err error) {
	err = l.DB.Tx(ctx, func(ctx context.Context) error {
		n, more = 0, false
		head, err := l.head(ctx)
		if err != nil {
			return err
		}
		events, err := l.unsealed(ctx, sealBatch)
		if err != nil {
			return err
		}
		for _, e := range events {
			if e.seq == nil {
				head = link{Seq: head.Seq + 1, EventID: e.ID, Hash: chained(head.Hash, e.canonical())}
				if err := l.append(ctx, head); err != nil {
					return err
				}
				n++
			}
			if err := l.markSealed(ctx, e.ID); err != nil {
				return err
			}
		}
		more = len(events) == sealBatch
		return nil
	})
	return n, more, err
}

// chained is the hash of a place: over the hash before it (32 zero bytes before the
// first) and the event as Export writes it.
func chained(before, event []byte) []byte {
	if len(before) == 0 {
		before = make([]byte, sha256.Size)
	}
	sum := sha256.Sum256(append(bytes.Clone(before), event...))
	return sum[:]
}

// canonical is the event as it is hashed and exported: one JSON object with its
// members in this order.
func (e stored) canonical() []byte {
	details := json.RawMessage(e.details)
	if !json.Valid(details) {
		details, _ = json.Marshal(e.details) // somebody changed it; the hash will tell
	}
	b, err := json.Marshal(struct {
		ID        string          `json:"id"`
		At        string          `json:"at"`
		Action    string          `json:"action"`
		Actor     string          `json:"actor"`
		Subject   string          `json:"subject"`
		Client    string          `json:"client"`
		Details   json.RawMessage `json:"details"`
		RequestID string          `json:"request_id"`
		Place     string          `json:"place"`
		Agent     string          `json:"agent"`
	}{
		e.ID, e.At.UTC().Format("2006-01-02T15:04:05.000000Z"), e.Action, e.Actor, e.Subject, e.Client,
		details, e.RequestID, e.Place, e.Agent,
	})
	if err != nil {
		panic(err) // texts and valid JSON always encode
	}
	return b
}

// Report is what Verify found.
type Report struct {
	Sealed   int64     // places in the chain
	Head     string    // the last hash, hex: keep it elsewhere and compare
	Unsealed int       // events that wait for Seal; nothing vouches for them yet
	Problems []Problem // empty when all is well
}

// OK tells whether the chain is whole.
func (r Report) OK() bool { return len(r.Problems) == 0 }

// Problem is one break of the chain.
type Problem struct {
	Seq     int64 // 0 when the event has no place
	EventID string
	What    string // a sentence for the operator
}

// String tells the problem in one line.
func (p Problem) String() string {
	return fmt.Sprintf("place %d, event %s: %s", p.Seq, p.EventID, p.What)
}

// Verify recomputes the chain from its beginning and compares. A broken place is
// told once: behind it, Verify goes on from the hash that is written there.
func (l Log) Verify(ctx context.Context) (Report, error) {
	var r Report
	before := link{}
	err := l.walk(ctx, func(at link) error {
		if what := at.wrong(before); what != "" {
			r.Problems = append(r.Problems, Problem{at.Seq, at.EventID, what})
		}
		before = at
		r.Sealed++
		return nil
	})
	if err != nil {
		return r, err
	}
	r.Head = hex.EncodeToString(before.Hash)
	stray, err := l.stray(ctx)
	if err != nil {
		return r, err
	}
	for _, id := range stray {
		r.Problems = append(r.Problems, Problem{0, id, "says it is sealed but has no place in the chain"})
	}
	r.Unsealed, err = l.countUnsealed(ctx)
	return r, err
}

// wrong tells what is broken at this place, "" when nothing is.
func (at link) wrong(before link) string {
	switch {
	case at.Seq != before.Seq+1:
		return fmt.Sprintf("the places after %d are missing", before.Seq)
	case at.Event == nil:
		return "the event is missing"
	case !bytes.Equal(at.Hash, chained(before.Hash, at.Event.canonical())):
		return "the event or its place was changed"
	}
	return ""
}

// walk gives every place of the chain to each, in order.
func (l Log) walk(ctx context.Context, each func(link) error) error {
	for after := int64(0); ; {
		page, err := l.links(ctx, after, verifyPage)
		if err != nil {
			return err
		}
		for _, at := range page {
			if err := each(at); err != nil {
				return err
			}
		}
		if len(page) < verifyPage {
			return nil
		}
		after = page[len(page)-1].Seq
	}
}
