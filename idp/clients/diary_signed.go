package clients

import (
	"context"
	"maps"
	"time"
)

// signedWithin is how long an answer waits at most until it is written that it is signed.
const signedWithin = 2 * time.Second

// taken is what one registration is given signed by default.
type taken struct {
	client     string
	registered int64 // a client made again under the id is another one
	what       Signed
}

// NoteSigned is Note for a request that is answered with something signed for the client;
// call it before the answer leaves. Where nobody registered the algorithm, the line is all
// that Takers know the client by: so that one is in the table before the client has the
// answer, once in noteAgain; those in between cost as much as Note. A database that does
// not write delays the answer for signedWithin and is asked again at the next one: nobody's
// log-in hangs on it. RFC 9701 §6, JARM §3.
func (d *Diary) NoteSigned(ctx context.Context, c *Client, what Signed, r Request) {
	if d == nil {
		return
	}
	alg := c.SigningAlg(what)
	details := map[string]string{}
	maps.Copy(details, r.Details)
	details[DetailSigned] = alg
	r.ClientID, r.Details = c.ID, details
	one := taken{c.ID, c.RegisteredAt.UnixMicro(), what}
	if alg != usualAlg || !d.claim(one) {
		d.Note(r)
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), signedWithin) // who goes away now may have the answer
	defer cancel()
	if err := d.write(ctx, c.ID, d.tearOut(r)); err != nil {
		d.complain(ctx, c.ID, err)
		d.Note(r)
		d.unclaim(one)
	}
}

// claim tells whether this is to be written at once, which the caller does then.
func (d *Diary) claim(one taken) bool {
	now := d.Clock()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.signed == nil || now.Sub(d.since) >= noteAgain { // all together: nobody has to look for what is old
		d.signed, d.since = map[taken]bool{}, now
	}
	if d.signed[one] {
		return false
	}
	d.signed[one] = true
	return true
}

func (d *Diary) unclaim(one taken) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.signed, one)
}

// tearOut gives what waits of the client, with this request as the newest.
func (d *Diary) tearOut(r Request) *page {
	r.At = d.Clock()
	d.mu.Lock()
	defer d.mu.Unlock()
	mine := d.waiting[r.ClientID]
	if mine == nil {
		mine = &page{}
	}
	delete(d.waiting, r.ClientID)
	mine.add(r)
	return mine
}
