// Package notify is what people are told outside of pages: mails today.
//
//	Activation, AlreadyHave   queue a mail, in the transaction of the fact it tells
//	Send                      the outbox sender of kind "mail": composes and hands over (mail.go)
//	Transport                 what carries a letter: SMTP, or the postbox in development
//	Postbox                   where letters land in development (postbox.go, store.go)
//
// The words are in locales/, the looks in templates/. Links start with the configured
// public URL, never with what a request claims. Mails name nobody: what a stranger
// typed at sign-up must not reach somebody else's inbox.
package notify

import (
	"context"
	"time"

	"tegata/shared/locale"
	"tegata/shared/outbox"
)

// Kind is what the outbox calls a mail.
const Kind = "mail"

// Reader is who gets a mail.
type Reader struct {
	Email    string
	Language string
	Zone     string // IANA; "" for UTC
}

// Brand is what mails call us: the name by language. English speaks for those that are missing.
type Brand struct {
	Name map[string]string
}

func (b Brand) in(lang string) string {
	if name, ok := b.Name[lang]; ok {
		return name
	}
	return b.Name["en"]
}

// Transport carries a letter. Its errors are those of an outbox sender.
type Transport func(ctx context.Context, l Letter) error

// Letter is a mail, composed.
type Letter struct {
	ID       string // the same when it is sent again
	Kind     string
	To       string
	Language string
	Subject  string
	Text     string
	HTML     string
	Links    []string // the button's first
	Code     string   // digits only, "" without one
	At       time.Time
}

// Service queues and composes. All fields are needed.
type Service struct {
	Outbox    *outbox.Outbox
	Catalog   *locale.Catalog // of Locales, perhaps reworded by the operator
	Brand     Brand
	PublicURL string // without a slash at the end
	Transport Transport
}

// note is what lies in the outbox until the mail is composed.
type note struct {
	Mail      string    `json:"mail"` // activation, already
	Language  string    `json:"language"`
	Zone      string    `json:"zone,omitempty"`
	Token     string    `json:"token,omitempty"`
	Code      string    `json:"code,omitempty"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// Activation queues the mail by which a person proves the address: with the token in
// its button, the code (digits), and the moment both end (S-033 to S-037, S-040).
func (s *Service) Activation(ctx context.Context, to Reader, token, code string, expiresAt time.Time) error {
	return s.put(ctx, to, note{Mail: "activation", Token: token, Code: code, ExpiresAt: expiresAt})
}

// AlreadyHave queues the mail to somebody whose address was used to sign up again
// although it has an account (S-025).
func (s *Service) AlreadyHave(ctx context.Context, to Reader) error {
	return s.put(ctx, to, note{Mail: "already"})
}

func (s *Service) put(ctx context.Context, to Reader, n note) error {
	n.Language, n.Zone = to.Language, to.Zone
	_, err := s.Outbox.Put(ctx, Kind, to.Email, n)
	return err
}
