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
// in somebody meanwhile, they are asked.
func (p *Provider) heed(ctx context.Context, a *authorization, v visitor, asked *interaction.Asked, step interaction.Step) (interaction.Step, error) {
	if v.session != nil {
		if step == interaction.AskIdentifier {
			return step, nil
		}
		if meant, err := p.meant(ctx, a, v); meant || err != nil {
			return step, err
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

// meant tells whether the login_hint names who is signed in: by e-mail address or user name,
// however they are written, or by what the client knows them by.
func (p *Provider) meant(ctx context.Context, a *authorization, v visitor) (bool, error) {
	hint := a.params.Get("login_hint")
	account, err := p.Accounts.ByID(ctx, v.known.Account.ID)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if address, err := mail.Address(hint); err == nil && address == account.Email {
		return true, nil
	}
	if account.Username != "" && strings.EqualFold(strings.Trim(hint, " "), account.Username) {
		return true, nil
	}
	if strings.Contains(hint, "@") {
		return false, nil // no sub looks like that
	}
	subject, err := p.subject(ctx, a.client, v.known.Account)
	return subject == hint, err
}
