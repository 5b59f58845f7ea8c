package oidc

import (
	"context"
	"encoding/base64"
	"slices"

	"tegata/idp/accounts"
	"tegata/idp/clients"
	"tegata/shared/fault"
)

// subject is what the client knows the account by. OIDC Core §8: one for all clients,
// or one for each sector, so that two sectors cannot tell that they have the same
// person before them. It is computed with our key once and kept from then on: another
// key changes nobody.
func (p *Provider) subject(ctx context.Context, client *clients.Client, account accounts.Identity) (string, error) {
	if client.SubjectType != clients.Pairwise {
		return account.Subject, nil
	}
	sector := client.Sector()
	kept, err := p.subjects.pairwise(ctx, account.ID, sector)
	if !fault.Is(err, fault.NotFound) {
		return kept, err
	}
	mac := p.Once.Seal.MAC("pairwise subject", sector, account.ID)
	return p.subjects.keepPairwise(ctx, account.ID, sector, base64.RawURLEncoding.EncodeToString(mac), p.Clock())
}

// accountOf is the other way round: whom the client knows by that subject. It gives
// fault.NotFound when that is nobody.
func (p *Provider) accountOf(ctx context.Context, client *clients.Client, subject string) (accounts.Account, error) {
	if client.SubjectType != clients.Pairwise {
		return p.Accounts.BySubject(ctx, subject)
	}
	id, err := p.subjects.accountOf(ctx, client.Sector(), subject)
	if err != nil {
		return accounts.Account{}, err
	}
	return p.Accounts.ByID(ctx, id)
}

// another tells whether the request names somebody other than the account, by its
// id_token_hint or a claim. OIDC Core §3.1.2.2, §5.5.1.
func (p *Provider) another(ctx context.Context, a *authorization, account accounts.Identity) (bool, error) {
	if len(a.wanted) == 0 || account.ID == "" {
		return len(a.wanted) > 0, nil
	}
	subject, err := p.subject(ctx, a.client, account)
	return !slices.Contains(a.wanted, subject), err
}

// isSubject tells whether the hint is about the account, for the client it was made
// for.
func (p *Provider) isSubject(ctx context.Context, h hint, account accounts.Identity) (bool, error) {
	if h.Subject == "" || account.ID == "" || len(h.Clients) == 0 {
		return false, nil
	}
	client, err := p.Clients.ByID(ctx, h.Clients[0])
	if fault.Is(err, fault.NotFound) {
		return h.Subject == account.Subject, nil // gone since
	}
	if err != nil {
		return false, err
	}
	subject, err := p.subject(ctx, client, account)
	return subject == h.Subject, err
}
