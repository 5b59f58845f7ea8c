package oidc

import (
	"context"
	"crypto/sha256"
	"slices"
	"sync"

	"tegata/idp/interaction"
	"tegata/shared/audit"
)

// firstPage is the page that a conversation begins with: who is asked to make an
// account starts there (OpenID Connect Prompt Create §4).
func (a *authorization) firstPage(step interaction.Step) string {
	if step == interaction.AskIdentifier && slices.Contains(a.prompt, "create") {
		return pageSignUp
	}
	return page(step)
}

// repeatedFrom is how often a value that has to be fresh may come before we say so: a
// page that is loaded again sends it a second time.
const repeatedFrom = 3

// watch warns in the audit log of a client whose PKCE challenge or nonce is always the
// same: it protects nobody then (RFC 9700 §2.1.1, A-019).
func (p *Provider) watch(ctx context.Context, a *authorization) {
	for _, name := range []string{"code_challenge", "nonce"} {
		value := a.params.Get(name)
		if value == "" || p.repeats.count(a.client.ID+"\x00"+name+"\x00"+value) != repeatedFrom {
			continue
		}
		p.Count("repeated." + name)
		if !p.quiet.first("repeated "+name+" "+a.client.ID, p.Clock()) {
			continue
		}
		err := p.Audit.Record(ctx, audit.Event{
			Action: "client.repeats", Client: a.client.ID,
			Details: map[string]string{"parameter": name, "why": "The same value came with several requests. It has to be fresh for each."},
		})
		if err != nil {
			p.Log.ErrorContext(ctx, "audit event lost", "action", "client.repeats", "error", err.Error())
		}
	}
}

// repeats counts values of late, in memory: each node for itself, which is enough for
// a warning and costs no write.
type repeats struct {
	mu       sync.Mutex
	now, old map[[sha256.Size]byte]int
}

// maxRepeats is how many values are remembered, twice.
const maxRepeats = 4096

func (r *repeats) count(value string) int {
	key := sha256.Sum256([]byte(value))
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now == nil || len(r.now) >= maxRepeats {
		r.now, r.old = make(map[[sha256.Size]byte]int, 64), r.now
	}
	n := max(r.now[key], r.old[key]) + 1
	r.now[key] = n
	return n
}
