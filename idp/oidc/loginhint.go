package oidc

import (
	"context"
	"slices"
	"strings"

	"tegata/idp/interaction"
	"tegata/idp/oidc/wire"
	"tegata/shared/fault"
	"tegata/shared/mail"
)

// heed holds a request with a login_hint against who is signed in, and gives the step that
// comes next. Where the hint means somebody else, the person is asked which account it shall
// be, and a request that may show nothing is refused (OIDC Core §3.1.2.1, A-067). Whom the
// hint means instead is not looked at, so a stranger learns nothing of who has an account.
//
// It comes after what else would be refused: a client that the person allowed nothing could
// otherwise learn by prompt=none whether they are whom it thinks. Where somebody has to log
// in first, they may do so as whom they like; but should another page of this browser sign
// in somebody meanwhile, whoever was there before, they are asked.
func (p *Provider) heed(ctx context.Context, a *authorization, v visitor, asked *interaction.Asked, step interaction.Step) (interaction.Step, error) {
	if v.session != nil {
		meant, err := p.meant(ctx, a, v)
		if err != nil || meant && step == interaction.Done {
			return step, err
		}
		if meant || step == interaction.AskIdentifier {
			holdHint(asked, meant, v)
			return step, nil
		}
	}
	if slices.Contains(a.prompt, "none") {
		return step, wire.RefuseAs("login_required")
	}
	if !slices.Contains(asked.Prompt, "select_account") {
		asked.Prompt = append(slices.Clone(asked.Prompt), "select_account")
	}
	return p.Interaction.StepKnowing(v.session, *asked, v.known), nil
}

// holdHint makes the conversation that begins remember the hint, unless it asks for the
// account anyway, and who is meant.
func holdHint(asked *interaction.Asked, meant bool, v visitor) {
	if slices.Contains(asked.Prompt, "select_account") {
		return
	}
	asked.Prompt = append(slices.Clone(asked.Prompt), interaction.Hinted)
	if meant {
		asked.Meant = v.known.Account.ID
	}
}

// loginHint is the login_hint without what names its kind: "" for none, or a blank one.
func (a *authorization) loginHint() string {
	hint := strings.TrimSpace(a.params.Get("login_hint"))
	for _, scheme := range []string{"acct:", "mailto:"} { // RFC 7565, RFC 6068
		if len(hint) > len(scheme) && strings.EqualFold(hint[:len(scheme)], scheme) {
			return hint[len(scheme):]
		}
	}
	return hint
}

// subjectLength is how long a sub is, in characters, of either kind.
const subjectLength = 43

// meant tells whether the login_hint names who is signed in: by e-mail address, phone number
// or user name, however they are written, or by what the client knows them by. A hint of a
// kind that the client may not ask about counts for nothing.
func (p *Provider) meant(ctx context.Context, a *authorization, v visitor) (bool, error) {
	hint := a.loginHint()
	subject, err := p.subject(ctx, a.client, v.known.Account)
	if err != nil || subject == hint {
		return err == nil, err
	}
	scope := scopeOfHint(hint)
	if !a.mayGuess(v, scope) {
		return len(hint) != subjectLength, nil
	}
	account, err := p.Accounts.ByID(ctx, v.known.Account.ID)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	switch scope {
	case "email":
		address, err := mail.Address(hint)
		return err == nil && address == account.Email, nil
	case "phone":
		return account.Details.PhoneNumber != "" && hint == account.Details.PhoneNumber, nil
	}
	return account.Username != "" && strings.EqualFold(hint, account.Username), nil
}

// scopeOfHint is the scope that tells a client what such a hint names. OIDC Core §5.4.
func scopeOfHint(hint string) string {
	switch {
	case strings.Contains(hint, "@"):
		return "email"
	case strings.HasPrefix(hint, "+"):
		return "phone"
	}
	return "profile"
}

// mayGuess tells whether the answer may depend on a hint that the scope is about. Where the
// person sees nothing, one answer after the other would tell a client what they did not
// allow it to know.
func (a *authorization) mayGuess(v visitor, scope string) bool {
	if a.client.FirstParty || !slices.Contains(a.prompt, "none") {
		return true
	}
	return v.known.Allowed != nil && slices.Contains(*v.known.Allowed, scope)
}
