// Package devices lets something without a browser get tokens: it shows a short code,
// a person types that code in a browser elsewhere, sees what it is about, and says yes
// or no. RFC 8628.
//
//	Begin     a device asks: a code for it and one for the person
//	Claim     a person typed the code; the row belongs to that browser from then on
//	Load      the row again, for that browser only
//	Decide    yes or no, once
//	Poll      the device asks whether there is an answer
//	Sweep     forgets what is over
//	code.go   codes that people type
//
// The device's code is a ticket of shared/once and is spent when tokens are made. The
// person's code is only a way to find the row: guesses are counted per place before
// anything is looked up, and who got hold of somebody else's code cannot go on
// with a row that a browser has claimed.
package devices

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"time"

	"tegata/idp/interaction"
	"tegata/idp/sessions"
	"tegata/shared/audit"
	"tegata/shared/clock"
	"tegata/shared/fault"
	"tegata/shared/limit"
	"tegata/shared/once"
	"tegata/shared/secret"
)

const (
	// LivesFor is how long a person has to type the code and decide.
	LivesFor = 10 * time.Minute
	// PollEvery is how long a device waits between two questions. RFC 8628 §3.2.
	PollEvery = 5 * time.Second

	slower = 5 * time.Second // added when a device asks too early, RFC 8628 §3.5
	jitter = time.Second     // so much earlier still is in time: networks are uneven
)

const purpose once.Purpose = "device_code"

// Typing allows five codes at once from one place and then one a minute.
var Typing = limit.Rule{Name: "device.code", Burst: 5, Every: time.Minute}

// beginning bounds how many rows one place can make.
var beginning = limit.Rule{Name: "device.begin", Burst: 30, Every: 10 * time.Second}

// State is where a device stands.
type State string

// The states.
const (
	Waiting  State = "waiting"
	Approved State = "approved"
	Denied   State = "denied"
)

// What Poll answers a device that has to go on waiting.
var (
	ErrWaiting  = errors.New("devices: the person has not decided yet")
	ErrTooEarly = errors.New("devices: asked too early")
)

// Asked is what a device wants.
type Asked struct {
	ClientID  string
	Scopes    []string
	Resources []string        // RFC 8707
	Details   json.RawMessage // RFC 9396
	Offline   bool            // stays when the person logs out
}

// Login is the log-in of who approved.
type Login struct {
	SID      string    `json:"sid"`
	AuthTime time.Time `json:"auth_time"`
	ACR      string    `json:"acr"`
	AMR      []string  `json:"amr"`
	At       time.Time `json:"at,omitzero"` // when they said so; a withdrawal after that counts
}

// Device is one device that asks, or asked.
type Device struct {
	ID string
	Asked
	Place     string // the address it asked from
	State     State
	AccountID string // who approved
	Login     Login
	CreatedAt time.Time
	ExpiresAt time.Time

	browser   []byte
	pollAfter time.Time
	pollEvery time.Duration
}

// Service is all that devices and pages need. All fields are needed.
type Service struct {
	Store       Store
	Once        once.Store
	Limit       limit.Limiter
	Interaction *interaction.Service
	Audit       audit.Log
	Clock       clock.Clock
	Log         *slog.Logger
}

// Begin opens a row, and gives the device's code and the one for the person. It gives
// fault.TooMany when too many come from one place.
func (s *Service) Begin(ctx context.Context, asked Asked) (device, typed string, err error) {
	now, place := s.Clock(), audit.OriginOf(ctx).Place
	if err := s.Limit.Take(ctx, beginning, place, now); err != nil {
		return "", "", err
	}
	for range 5 { // two people never read the same code: the index sees to that
		typed = newCode()
		err = s.Store.DB.Tx(ctx, func(ctx context.Context) error {
			token, err := s.Once.Issue(ctx, once.New{Purpose: purpose, Lives: LivesFor}, now)
			if err != nil {
				return err
			}
			device = token.String()
			return s.Store.insert(ctx, Device{
				ID: token.ID, Asked: asked, Place: place, CreatedAt: now, ExpiresAt: now.Add(LivesFor),
				pollAfter: now, pollEvery: PollEvery,
			}, s.mac(typed))
		})
		if !fault.Is(err, fault.Conflict) {
			break
		}
	}
	return device, format(typed), err
}

// Claim takes the code that a person typed, and ties the row to the browser. A right code
// is no guess and uses none up: one room with many screens is one place. It gives
// fault.TooMany after too many guesses, fault.Invalid on field "user_code" for a code
// that leads nowhere: unknown, too late, decided, or claimed by another browser. What
// cannot be a code at all is refused in the same way, and is no guess: nothing is looked
// up, so it tells nothing, and a slip of the finger does not shut out the right code.
func (s *Service) Claim(ctx context.Context, browser, given string) (Device, error) {
	if strings.TrimSpace(given) == "" {
		return Device{}, fault.New(fault.Invalid, "user_code", "device.code_missing")
	}
	code, ok := ParseCode(given)
	if !ok {
		return Device{}, fault.New(fault.Invalid, "user_code", "device.code_form")
	}
	now := s.Clock()
	if err := s.Limit.Take(ctx, Typing, audit.OriginOf(ctx).Place, now); err != nil {
		return Device{}, err
	}
	d, err := s.Store.claim(ctx, s.mac(code), secret.Digest(browser), now)
	if fault.Is(err, fault.NotFound) {
		return Device{}, fault.New(fault.Invalid, "user_code", "device.code_unknown")
	}
	if err != nil {
		return Device{}, err
	}
	if err := s.Limit.GiveBack(ctx, Typing, audit.OriginOf(ctx).Place, now); err != nil {
		// The code is this browser's already; that it counts as a guess is no harm.
		s.Log.ErrorContext(ctx, "a right code counts as a guess", "err", err)
	}
	return d, nil
}

// Load gives the row to the browser that claimed it, as long as nothing is decided. It
// gives fault.NotFound otherwise, whatever the reason.
func (s *Service) Load(ctx context.Context, id, browser string) (Device, error) {
	d, err := s.Store.byID(ctx, id)
	if err != nil {
		return Device{}, err
	}
	if d.State != Waiting || len(d.browser) == 0 || !secret.Match(d.browser, secret.Digest(browser)) || !s.Clock().Before(d.ExpiresAt) {
		return Device{}, fault.New(fault.NotFound, "", "device.over_row")
	}
	return d, nil
}

// Decide keeps what the person who is signed in said. What was allowed counts for the
// client from then on, as after the consent page. It gives fault.Conflict when it was
// decided already.
func (s *Service) Decide(ctx context.Context, id, browser string, by *sessions.Session, allow bool) error {
	d, err := s.Load(ctx, id, browser)
	if err != nil {
		return err
	}
	d.State, d.AccountID = Denied, by.AccountID
	d.Login = Login{SID: by.ID, AuthTime: by.AuthTime, ACR: by.ACR, AMR: by.AMR, At: s.Clock()}
	if allow {
		d.State = Approved
	}
	return s.Store.DB.Tx(ctx, func(ctx context.Context) error {
		if err := s.Store.decide(ctx, d, s.Clock()); err != nil {
			return err
		}
		if allow {
			if err := s.Interaction.Allow(ctx, by.AccountID, d.ClientID, d.Scopes); err != nil {
				return err
			}
		}
		return s.Audit.Record(ctx, audit.Event{
			Action: "device." + string(d.State), Actor: by.AccountID, Subject: by.AccountID, Client: d.ClientID,
			Details: map[string]string{"device_place": d.Place},
		})
	})
}

// Poll tells a device whether it may have tokens: then it gives the row, and the
// ticket, which the caller spends with the tokens. Else ErrWaiting or ErrTooEarly; fault.Denied when the
// person said no; fault.Expired; fault.NotFound for a code that is unknown, used, or of
// another client.
func (s *Service) Poll(ctx context.Context, code, clientID string) (Device, once.Ticket, error) {
	now := s.Clock()
	ticket, err := s.Once.Look(ctx, purpose, code, now)
	if fault.Is(err, fault.Conflict) {
		err = fault.New(fault.NotFound, "", "device.over_row")
	}
	if err != nil && !fault.Is(err, fault.Expired) {
		return Device{}, ticket, err
	}
	tooLate := err
	d, err := s.Store.byID(ctx, ticket.ID)
	switch {
	case err != nil:
		return Device{}, ticket, err
	case d.ClientID != clientID:
		return Device{}, ticket, fault.New(fault.NotFound, "", "device.over_row")
	case d.State == Denied:
		return Device{}, ticket, fault.New(fault.Denied, "", "device.denied")
	case tooLate != nil:
		return Device{}, ticket, tooLate
	case d.State == Approved:
		return d, ticket, nil
	}
	return Device{}, ticket, s.wait(ctx, d, now)
}

// wait notes that the device asked, and whether that was too early.
func (s *Service) wait(ctx context.Context, d Device, now time.Time) error {
	inTime, err := s.Store.asked(ctx, d.ID, now, now.Add(d.pollEvery-jitter))
	if err != nil {
		return err
	}
	if inTime {
		return ErrWaiting
	}
	every := d.pollEvery + slower
	if err := s.Store.slow(ctx, d.ID, every, now.Add(every-jitter)); err != nil {
		return err
	}
	return ErrTooEarly
}

// Sweep deletes the rows that have been over for longer than keep, and tells how many.
func (s *Service) Sweep(ctx context.Context, keep time.Duration) (int64, error) {
	return s.Store.sweep(ctx, s.Clock().Add(-keep))
}

func (s *Service) mac(code string) []byte { return s.Once.Seal.MAC("device user code", "", code) }
