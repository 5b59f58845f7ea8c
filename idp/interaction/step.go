package interaction

import (
	"slices"
	"time"
)

// Step is what comes next in a conversation.
type Step int

// The steps, and the ways in which a conversation ends without its person.
const (
	AskIdentifier             Step = iota // the address
	AskPassword                           // for the address that was typed
	AskAccount                            // go on with the account that is signed in, or with another one
	AskFactor                             // a second factor; nothing leads there yet
	AskTerms                              // the terms have a new version (S-029)
	AskConsent                            // what the client may know
	Done                                  // nothing is left to ask
	RefuseLoginRequired                   // login_required: prompt=none and nobody fit is signed in
	RefuseConsentRequired                 // consent_required: prompt=none and consent is missing
	RefuseInteractionRequired             // interaction_required: prompt=none and the terms are new
	RefuseAccessDenied                    // access_denied: the person said no
)

var stepNames = [...]string{
	"ask identifier", "ask password", "ask account", "ask factor", "ask terms", "ask consent", "done",
	"refuse: login required", "refuse: consent required", "refuse: interaction required", "refuse: access denied",
}

func (s Step) String() string { return stepNames[s] }

// Refuses tells whether the client gets an error instead of a code.
func (s Step) Refuses() bool { return s >= RefuseLoginRequired }

// Answer is what a person said about consent.
type Answer string

// The answers; Unasked is none.
const (
	Unasked Answer = ""
	Allowed Answer = "allowed"
	Refused Answer = "denied"
)

// State is what is known when a step is looked for.
type State struct {
	Now       time.Time
	SignedIn  bool      // the browser has a session
	AuthTime  time.Time // when its person last proved who they are
	Proved    bool      // that was within this conversation
	Chosen    bool      // the person goes on with this account, said within this conversation
	Email     string    // typed in this conversation
	TermsDue  bool      // who is signed in has to accept the terms
	Consented bool      // the person allowed this client these scopes before
	Answer    Answer    // about consent, in this conversation
}

// Next tells what to do now. It decides alone, for pages and protocol alike, so that
// no page can be skipped by calling another one's URL (OIDC Core §3.1.2.1, §3.1.2.3).
func Next(at State, asked Asked) Step {
	silent := asked.wants("none")
	switch {
	case at.Email != "" && !at.Proved: // also when somebody else is signed in: the person wants to be who they typed
		return AskPassword
	case mustChoose(at, asked):
		return AskAccount
	case !fresh(at, asked) && silent:
		return RefuseLoginRequired
	case !fresh(at, asked):
		return AskIdentifier
	case at.TermsDue && silent:
		return RefuseInteractionRequired
	case at.TermsDue:
		return AskTerms
	}
	if asked.ClientID == "" || at.Answer == Allowed || !mustConsent(at, asked) {
		return Done
	}
	switch {
	case at.Answer == Refused:
		return RefuseAccessDenied
	case silent:
		return RefuseConsentRequired
	}
	return AskConsent
}

// mustChoose tells whether the person has to say which account it shall be. Who proved
// in this conversation who they are has said it; without a session, or where one wants to
// sign up, there is nothing to choose from. OIDC Core §3.1.2.1, select_account. A hint alone
// asks nobody who has to log in anyway.
func mustChoose(at State, asked Asked) bool {
	wanted := asked.wants("select_account") || asked.wants(Hinted) && fresh(at, asked)
	return wanted && !asked.wants("create") && at.SignedIn && !at.Proved && !at.Chosen
}

// fresh tells whether who is signed in is good enough for what was asked.
func fresh(at State, asked Asked) bool {
	switch {
	case !at.SignedIn:
		return false
	case at.Proved:
		return true
	case asked.wants("login"), asked.wants("create"):
		return false
	}
	return asked.MaxAge == nil || *asked.MaxAge > 0 && at.Now.Sub(at.AuthTime) <= *asked.MaxAge
}

// mustConsent tells whether the person has to be asked. prompt=consent asks again
// whatever was allowed before.
func mustConsent(at State, asked Asked) bool {
	return asked.wants("consent") || asked.NeedsConsent && !at.Consented
}

func (a Asked) wants(prompt string) bool { return slices.Contains(a.Prompt, prompt) }
