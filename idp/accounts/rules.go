package accounts

import (
	"time"

	"tegata/shared/limit"
)

// How long things live.
const (
	ActivationFor = 7 * 24 * time.Hour  // S-034
	PendingFor    = 30 * 24 * time.Hour // then a sign-up nobody proved is forgotten
)

// Rules are the limits of this area. Keys are addresses by their key, places by the
// peer address.
type Rules struct {
	SignUpPlace   limit.Rule // sign-ups from one place
	MailAddress   limit.Rule // mails to one address: never more than five in an hour
	SignUpAddress limit.Rule // sign-ups of one address: a double click is one sign-up
	Resend        limit.Rule // the cool-down between two mails asked for
	ResendPlace   limit.Rule
	CodeAddress   limit.Rule // codes typed for one address: at most twenty in a day
	CodePlace     limit.Rule
	GuessPair     limit.Rule // passwords for one address from one place
	GuessAddress  limit.Rule // passwords for one address from everywhere
	GuessPlace    limit.Rule // passwords for all addresses from one place
}

// DefaultRules are the limits of a real installation. A rule of Burst and Every lets
// at most Burst + window/Every through in any window.
func DefaultRules() Rules {
	return Rules{
		SignUpPlace:   limit.Rule{Name: "signup.place", Burst: 60, Every: time.Minute},
		MailAddress:   limit.Rule{Name: "mail.address", Burst: 3, Every: 30 * time.Minute},
		SignUpAddress: limit.Rule{Name: "signup.address", Burst: 1, Every: 10 * time.Second},
		Resend:        limit.Rule{Name: "resend.address", Burst: 1, Every: time.Minute},
		ResendPlace:   limit.Rule{Name: "resend.place", Burst: 30, Every: time.Minute},
		CodeAddress:   limit.Rule{Name: "code.address", Burst: 10, Every: 144 * time.Minute},
		CodePlace:     limit.Rule{Name: "code.place", Burst: 60, Every: time.Minute},
		GuessPair:     limit.Rule{Name: "login.pair", Burst: 10, Every: 30 * time.Minute},
		GuessAddress:  limit.Rule{Name: "login.address", Burst: 30, Every: 30 * time.Minute},
		GuessPlace:    limit.Rule{Name: "login.place", Burst: 300, Every: 2 * time.Second},
	}
}
