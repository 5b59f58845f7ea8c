package accounts

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"tegata/idp/notify"
	"tegata/shared/fault"
	"tegata/shared/once"
)

// activation is the purpose of the tickets in activation mails.
const activation once.Purpose = "activation"

// codeDigits is the length of the code people type (S-040).
const codeDigits = 8

// LinkState is what an activation mail is still good for.
type LinkState int

// The states of a link. ProveByLink and ProveByCode give Fresh to the one call that
// proved the address.
const (
	Unknown  LinkState = iota // not one of ours
	Fresh                     // it can be used
	Used                      // the address is proved: log in (S-044)
	Expired                   // after seven days (S-034)
	Replaced                  // there is a newer mail
)

var linkNames = [...]string{"unknown", "fresh", "used", "expired", "replaced"}

func (l LinkState) String() string { return linkNames[l] }

// Link is an activation mail whose button or code came back.
type Link struct {
	Email  string // "" when Unknown
	Resume string // the interaction in which the person signed up, "" for none
	State  LinkState
}

// ticket is the payload of an activation ticket.
type ticket struct {
	Email  string `json:"email"`
	Resume string `json:"resume,omitempty"`
}

// LookLink tells what a link is good for and changes nothing: mail scanners follow
// links.
func (s *Service) LookLink(ctx context.Context, token string) (Link, error) {
	t, err := s.Once.Look(ctx, activation, token, s.Clock())
	return s.link(ctx, t, err)
}

// ProveByLink uses a link up: its account's address is proved. Of those who come at
// once, one gets Fresh and the others Used. It never starts a session (S-038).
func (s *Service) ProveByLink(ctx context.Context, token string) (Link, error) {
	var t once.Ticket
	err := s.Store.DB.Tx(ctx, func(ctx context.Context) (err error) {
		if t, err = s.Once.Spend(ctx, activation, token, s.Clock()); err != nil {
			return err
		}
		return s.prove(ctx, &t, "link")
	})
	return s.link(ctx, t, err)
}

// ProveByCode does the same with the code that a person typed on the waiting page.
// The code of the newest mail to the address is the one that counts, on whichever page
// it is typed. Spaces, hyphens and full-width digits are fine.
//
// The link is Fresh, or Used when the address was proved before. A wrong code is
// fault.Denied on the field "code"; fault.TooMany when the five tries of the mail, or
// the twenty of the day, are used up; fault.Invalid when it is no code at all;
// fault.NotFound when page or mail are too old.
func (s *Service) ProveByCode(ctx context.Context, pendingID, code string) (Link, error) {
	w, err := s.LookPending(ctx, pendingID)
	if err != nil {
		return Link{}, err
	}
	digits, err := readCode(code)
	if err != nil {
		return Link{}, err
	}
	l, err := s.proveByCode(ctx, w, digits, s.Clock())
	if err == nil && l.State != Fresh && l.State != Used {
		return Link{}, fault.New(fault.NotFound, "", "activation.gone")
	}
	return l, err
}

func (s *Service) proveByCode(ctx context.Context, w Waiting, digits string, now time.Time) (Link, error) {
	if err := s.takePlace(ctx, s.Rules.CodePlace, now); err != nil {
		return Link{}, err
	}
	if err := s.Limit.Take(ctx, s.Rules.CodeAddress, w.Email, now); err != nil {
		return Link{}, err
	}
	id, err := s.newestTicket(ctx, w)
	if err != nil {
		return Link{}, err
	}
	t, err := s.Once.Guess(ctx, activation, id, digits, now) // counted before it is compared
	switch {
	case fault.Is(err, fault.Denied), err == nil && t.Subject == "":
		return Link{}, fault.New(fault.Denied, "code", "activation.wrong_code")
	case fault.Is(err, fault.TooMany):
		return Link{}, fault.New(fault.TooMany, "code", "activation.too_many_tries")
	case err != nil:
		return s.link(ctx, t, err)
	}
	err = s.Store.DB.Tx(ctx, func(ctx context.Context) (err error) {
		if t, err = s.Once.SpendGuessed(ctx, t, now); err != nil {
			return err
		}
		return s.prove(ctx, &t, "code")
	})
	return s.link(ctx, t, err)
}

// newestTicket is the one whose code counts for a waiting page.
func (s *Service) newestTicket(ctx context.Context, w Waiting) (id string, err error) {
	a, err := s.Store.byEmail(ctx, w.Email)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return "", err
	}
	if a.State == Pending && a.activationID != "" {
		return a.activationID, nil
	}
	return w.ticketID, nil
}

// prove notes that the address of a ticket's account is proved. A ticket that is not
// the newest one of a pending account gives fault.Conflict.
func (s *Service) prove(ctx context.Context, t *once.Ticket, by string) error {
	err := s.Store.prove(ctx, t.Subject, t.ID, s.Clock())
	if fault.Is(err, fault.NotFound) {
		t.Replaced = true
		return fault.Wrap(fault.Conflict, "once.replaced", err)
	}
	if err != nil {
		return err
	}
	e := event("account.proved", t.Subject)
	e.Details = map[string]string{"by": by}
	return s.Audit.Record(ctx, e)
}

// link turns what became of a ticket into what people are told. Once an address is
// proved every older mail says so, however often it is opened (S-044, K-13).
func (s *Service) link(ctx context.Context, t once.Ticket, err error) (Link, error) {
	if err != nil && fault.Of(err) == nil {
		return Link{}, err
	}
	if t.ID == "" {
		return Link{State: Unknown}, nil
	}
	var p ticket
	if err := t.Read(&p); err != nil {
		return Link{}, err
	}
	l := Link{Email: p.Email, Resume: p.Resume, State: Fresh}
	if err == nil {
		return l, nil
	}
	if fault.Is(err, fault.Conflict) && !t.Replaced { // whoever spent it may not have committed yet: do not ask the account
		l.State = Used
		return l, nil
	}
	a, findErr := s.Store.byID(ctx, t.Subject)
	switch {
	case findErr != nil && !fault.Is(findErr, fault.NotFound):
		return Link{}, findErr
	case findErr == nil && a.State != Pending:
		l.State = Used
	case fault.Is(err, fault.Expired):
		l.State = Expired
	default:
		l.State = Replaced
	}
	return l, nil
}

// sendActivation opens a ticket for the account, makes it the newest, and queues its
// mail.
func (s *Service) sendActivation(ctx context.Context, a Account, resume string) (ticketID string, err error) {
	now, code := s.Clock(), newCode()
	token, err := s.Once.Issue(ctx, once.New{
		Purpose: activation, Subject: a.ID, Payload: ticket{a.Email, resume}, Lives: ActivationFor, Code: code,
	}, now)
	if err != nil {
		return "", err
	}
	if err := s.Store.setActivation(ctx, a.ID, token.ID); err != nil {
		return "", err
	}
	return token.ID, s.Notify.Activation(ctx, a.reader(), token.String(), code, now.Add(ActivationFor))
}

func (a Account) reader() notify.Reader {
	return notify.Reader{Email: a.Email, Language: a.Language, Zone: a.Zone}
}

// newCode gives eight random digits.
func newCode() string {
	n, err := rand.Int(rand.Reader, big.NewInt(100_000_000))
	if err != nil {
		panic(err) // never since Go 1.24
	}
	return fmt.Sprintf("%0*d", codeDigits, n)
}

// readCode gives the digits of what a person typed.
func readCode(typed string) (string, error) {
	if len(typed) > 100 {
		return "", fault.New(fault.Invalid, "code", "activation.code_form")
	}
	digits := strings.NewReplacer(" ", "", "-", "", "\u2010", "", "\u2212", "", "ー", "").Replace(norm.NFKC.String(typed))
	if digits == "" {
		return "", fault.New(fault.Invalid, "code", "activation.code_missing")
	}
	if len(digits) != codeDigits || strings.Trim(digits, "0123456789") != "" {
		return "", fault.New(fault.Invalid, "code", "activation.code_form")
	}
	return digits, nil
}
