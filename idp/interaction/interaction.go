// Package interaction is the conversation with a person for one authorization
// request, from the moment somebody must be asked until the answer goes back to the
// client.
//
//	Next                 what comes next: a pure table (step.go)
//	Begin, Load, Peek    a conversation, tied to the browser it began in
//	Step                 where it stands (service.go)
//	Identify, Password   the two halves of logging in (login.go)
//	Choose               goes on with the account that is signed in (choose.go)
//	Consent, Covered     what the person allows the client (consent.go)
//	Finish               spends it, once
//	Sweep                forgets what nobody finished
//
// The pages and the protocol meet here and by URL only: each page of the conversation
// keeps the interaction's id, does its one thing, and asks Step what comes next. What
// was proved is a row here, never a cookie or a hidden field (house rule 8). A
// conversation without a client is somebody who came to log in directly.
package interaction

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"tegata/idp/accounts"
	"tegata/idp/sessions"
	"tegata/shared/audit"
	"tegata/shared/clock"
	"tegata/shared/fault"
	"tegata/shared/secret"
)

const (
	// LivesFor is how long the browser may take.
	LivesFor = time.Hour
	// KeepFor is how long Peek still knows what the person wanted, so that an
	// activation mail opened on its last day leads there (S-016, S-034).
	KeepFor = accounts.ActivationFor + 24*time.Hour
)

// Hinted is a prompt that no client can send: its login_hint was held against who was signed
// in when the conversation began. Should another page of the browser sign in somebody else
// meanwhile, they are asked, as by select_account; until then nothing is asked for it.
const Hinted = "hinted"

// Asked is what an authorization request wants of the person.
type Asked struct {
	ClientID     string   // "" for a log-in without a client
	ClientName   string   // in the reader's language, for pages
	Request      string   // the authorization request, encoded
	Target       string   // target_link_uri: where the person wanted to go at the client
	LoginHint    string   // prefills the address
	Meant        string   // the account that it names, if that is who is signed in: for Begin
	UILocales    string   // OIDC Core §3.1.2.1
	Prompt       []string // none, login, consent, select_account, create; or Hinted
	MaxAge       *time.Duration
	Scopes       []string
	NeedsConsent bool // the client is not ours: ask unless the person allowed it before
}

// Interaction is one conversation.
type Interaction struct {
	ID string
	Asked
	Email     string // typed in the first step
	AccountID string // who goes on: whose password was right, who chose to stay, or was Meant; "" until then
	SessionID string // the session this conversation made or renewed
	Consent   Answer
	CreatedAt time.Time
	ExpiresAt time.Time

	consentedFor string // the account that answered
	finishedAt   *time.Time
}

// Prefill is the address that the first step shows.
func (it Interaction) Prefill() string {
	if it.Email != "" {
		return it.Email
	}
	return it.LoginHint
}

// Service leads conversations. All fields are needed.
type Service struct {
	Store    Store
	Accounts *accounts.Service
	Sessions *sessions.Service
	Audit    audit.Log
	Clock    clock.Clock
}

// NewBrowser gives the value for a fresh browser cookie.
func NewBrowser() string { return secret.Text() }

// Begin opens a conversation in the browser whose cookie holds that value.
func (s *Service) Begin(ctx context.Context, browser string, asked Asked) (Interaction, error) {
	if len(browser) < 22 {
		return Interaction{}, fault.New(fault.Denied, "", "interaction.other_browser")
	}
	now := s.Clock()
	asked.LoginHint, asked.UILocales = clean(asked.LoginHint), clean(asked.UILocales)
	it := Interaction{ID: secret.NewID(), Asked: asked, AccountID: asked.Meant, CreatedAt: now, ExpiresAt: now.Add(LivesFor)}
	return it, s.Store.insert(ctx, it, secret.Digest(browser))
}

// Load gives a conversation to the browser it began in. It gives fault.NotFound,
// fault.Denied for another browser, fault.Expired when too late and fault.Conflict
// when finished; the last three with the Interaction's ID only.
func (s *Service) Load(ctx context.Context, id, browser string) (Interaction, error) {
	it, digest, err := s.find(ctx, id)
	if err != nil {
		return Interaction{}, err
	}
	none := Interaction{ID: id}
	switch {
	case browser == "" || !secret.Match(digest, secret.Digest(browser)):
		return none, fault.New(fault.Denied, "", "interaction.other_browser")
	case it.finishedAt != nil:
		return none, fault.New(fault.Conflict, "", "interaction.finished")
	case !s.Clock().Before(it.ExpiresAt):
		return none, fault.New(fault.Expired, "", "interaction.expired")
	}
	return it, nil
}

// Peek gives what any browser may know of a conversation that was begun, even when it
// is over: which client and which place the person wanted.
func (s *Service) Peek(ctx context.Context, id string) (Interaction, error) {
	it, _, err := s.find(ctx, id)
	if err != nil {
		return Interaction{}, err
	}
	return Interaction{
		ID: it.ID, CreatedAt: it.CreatedAt, ExpiresAt: it.ExpiresAt,
		Asked: Asked{ClientID: it.ClientID, ClientName: it.ClientName, Target: it.Target, UILocales: it.UILocales},
	}, nil
}

// find gives a conversation with the digest of its browser. What was swept is told
// like what is too old, and so is what never was one.
func (s *Service) find(ctx context.Context, id string) (it Interaction, browser []byte, err error) {
	if uuid.Validate(id) != nil {
		return it, nil, fault.New(fault.NotFound, "", "interaction.expired")
	}
	it, browser, err = s.Store.byID(ctx, id)
	if fault.Is(err, fault.NotFound) {
		err = fault.Wrap(fault.NotFound, "interaction.expired", err)
	}
	return it, browser, err
}

// Sweep deletes the conversations that nobody can come back to and tells how many.
func (s *Service) Sweep(ctx context.Context, now time.Time) (int64, error) {
	return s.Store.sweep(ctx, now.Add(-KeepFor))
}

// maxHint is how much of a hint is kept: more than any address or list of languages.
const maxHint = 320

// clean makes what a client sent along fit for both databases.
func clean(hint string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(hint[:min(len(hint), maxHint)], ""), "\x00", "")
}
