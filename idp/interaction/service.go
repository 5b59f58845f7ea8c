package interaction

import (
	"context"
	"slices"

	"tegata/idp/accounts"
	"tegata/idp/sessions"
	"tegata/shared/fault"
)

// Step loads a conversation and tells what comes next in it, for who is signed in
// by ctx. Its errors are those of Load.
func (s *Service) Step(ctx context.Context, id, browser string) (Interaction, Step, error) {
	it, err := s.Load(ctx, id, browser)
	if err != nil {
		return it, 0, err
	}
	next, err := s.next(ctx, it)
	return it, next, err
}

// StepFor tells the first step of a request for which no conversation was begun: Done
// means that the code can be issued at once.
func (s *Service) StepFor(ctx context.Context, asked Asked) (Step, error) {
	return s.next(ctx, Interaction{Asked: asked})
}

// Known is what the steps depend on, of an account and a client.
type Known struct {
	Account  accounts.Identity
	TermsDue bool
	Allowed  *[]string // the scopes of this client that the person allowed; nil: none, ever
}

// ByToken gives the session whose token a cookie holds and all that in one statement.
// Its errors are those of sessions.Service.ByToken.
func (s *Service) ByToken(ctx context.Context, token, clientID string) (one sessions.Session, k Known, err error) {
	one, err = s.Sessions.ByTokenWith(ctx, token, func(ctx context.Context, id string, r *sessions.Row) (err error) {
		k, err = s.Store.known(ctx, id, clientID, s.Accounts.Terms, r)
		return err
	})
	if err != nil {
		return sessions.Session{}, Known{}, err
	}
	return one, k, nil
}

// StepKnowing is StepFor for who looked already.
func (s *Service) StepKnowing(signedIn *sessions.Session, asked Asked, k Known) Step {
	at := s.begun(Interaction{Asked: asked}, signedIn)
	at.TermsDue = k.TermsDue
	at.Consented = k.Allowed != nil && covers(*k.Allowed, asked.Scopes)
	return Next(at, asked)
}

// Finish spends a conversation that is Done or refused, and tells which. Of those who
// come at once one gets it, the others fault.Conflict. One that still has something to
// ask is fault.Denied. It joins the caller's transaction, so that the code and the
// end of the conversation are one fact.
func (s *Service) Finish(ctx context.Context, id, browser string) (Interaction, Step, error) {
	it, next, err := s.Step(ctx, id, browser)
	if err != nil {
		return it, next, err
	}
	if next != Done && !next.Refuses() {
		return it, next, fault.New(fault.Denied, "", "interaction.unfinished")
	}
	won, err := s.Store.finish(ctx, id, s.Clock())
	if err == nil && !won {
		err = fault.New(fault.Conflict, "", "interaction.finished")
	}
	return it, next, err
}

func (s *Service) next(ctx context.Context, it Interaction) (Step, error) {
	at, err := s.state(ctx, it, sessions.Of(ctx))
	return Next(at, it.Asked), err
}

// state gathers what Next wants to know.
func (s *Service) state(ctx context.Context, it Interaction, signedIn *sessions.Session) (State, error) {
	at := s.begun(it, signedIn)
	if signedIn == nil {
		return at, nil
	}
	due, err := s.Accounts.TermsDue(ctx, signedIn.AccountID)
	if err != nil {
		return at, err
	}
	at.TermsDue = due
	if !it.NeedsConsent {
		return at, nil
	}
	allowed, err := s.Covered(ctx, signedIn.AccountID, it.ClientID, it.Scopes)
	at.Consented = allowed
	return at, err
}

// begun is what conversation and session say by themselves.
func (s *Service) begun(it Interaction, signedIn *sessions.Session) State {
	at := State{Now: s.Clock(), Email: it.Email}
	if signedIn == nil {
		return at
	}
	at.SignedIn, at.AuthTime = true, signedIn.AuthTime
	at.Proved = it.SessionID == signedIn.ID && it.AccountID == signedIn.AccountID
	at.Chosen = it.AccountID == signedIn.AccountID
	if it.consentedFor == signedIn.AccountID {
		at.Answer = it.Consent
	}
	return at
}

// Covered tells whether the account allowed the client all these scopes before.
func (s *Service) Covered(ctx context.Context, accountID, clientID string, scopes []string) (bool, error) {
	have, err := s.Store.consent(ctx, accountID, clientID)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return covers(have, scopes), nil
}

// Allowed gives the scopes that the account allowed the client, none when it was never
// asked.
func (s *Service) Allowed(ctx context.Context, accountID, clientID string) ([]string, error) {
	have, err := s.Store.consent(ctx, accountID, clientID)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return have, err
}

// covers tells whether all the scopes are among those that were allowed.
func covers(allowed, scopes []string) bool {
	return !slices.ContainsFunc(scopes, func(scope string) bool { return !slices.Contains(allowed, scope) })
}
