package oidc

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"tegata/idp/accounts"
	"tegata/idp/clients"
	"tegata/idp/oidc/clientauth"
	"tegata/idp/oidc/grants"
	"tegata/idp/oidc/jws"
	"tegata/idp/oidc/target"
	"tegata/idp/oidc/wire"
	"tegata/shared/audit"
	"tegata/shared/fault"
	"tegata/shared/once"
)

// bearerAssertions is the purpose under which ids of such assertions are remembered.
const bearerAssertions once.Purpose = "jwt_bearer"

// maxBearer is how far ahead an assertion may expire.
const maxBearer = time.Hour

// errBearerAudience is an assertion that somebody else should have got.
var errBearerAudience = wire.Refuse("invalid_grant", "The assertion is made out to somebody else.").For(clients.ReasonBearerAudience)

// jwtBearer gives a token to a client that brings a JWT about a person of ours, signed
// by somebody its registration trusts. RFC 7523 §2.1 and §3. There is no refresh token:
// the client brings the next assertion.
func (p *Provider) jwtBearer(ctx context.Context, w *work) (opened, error) {
	a, err := p.verifyBearer(ctx, w)
	if err != nil {
		return opened{}, err
	}
	account, err := p.vouched(ctx, w, a)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Invalid) || err == nil && account.State != accounts.Active {
		return opened{}, wire.Refuse("invalid_grant", "The assertion is about nobody who may log in here.")
	}
	if err != nil {
		return opened{}, err
	}
	aimed, err := p.aimBearer(ctx, w, account)
	if err != nil {
		return opened{}, err
	}
	subject, err := p.subject(ctx, w.client.Client, account.Identity())
	if err != nil {
		return opened{}, err
	}
	return opened{
		about:  &session{LogIn: grants.LogIn{AccountID: account.ID, Subject: subject, Resources: aimed.Audience, Details: aimed.Details}},
		target: &aimed, scopes: aimed.Scopes,
		write: func(ctx context.Context, now time.Time) error { return p.writeBearer(ctx, w, a, now) },
	}, nil
}

// writeBearer writes that the assertion was used, and the grant that it led to.
func (p *Provider) writeBearer(ctx context.Context, w *work, a clientauth.Asserted, now time.Time) error {
	err := p.Once.Seen(ctx, bearerAssertions, a.Issuer+"\x00"+a.ID, a.Until(), now)
	if fault.Is(err, fault.Conflict) {
		return wire.Refuse("invalid_grant", "The assertion was used before.")
	}
	if err != nil {
		return err
	}
	event := audit.Event{
		Action: "assertion.accepted", Client: w.client.ID, Subject: w.opened.about.AccountID, Details: map[string]string{"issuer": a.Issuer},
	}
	if err := p.Audit.Record(ctx, event); err != nil {
		return err
	}
	return p.writeDerived(ctx, w, grants.Grant{Offline: true}, now)
}

// verifyBearer checks who made the assertion, for whom, and until when.
func (p *Provider) verifyBearer(ctx context.Context, w *work) (clientauth.Asserted, error) {
	bad := func(why string) (clientauth.Asserted, error) {
		return clientauth.Asserted{}, wire.Refuse("invalid_grant", why)
	}
	a, ok := clientauth.Parse(w.form.Get("assertion"))
	if !ok {
		return bad("The assertion could not be read.")
	}
	from, ok := w.client.AssertionIssuer(a.Issuer)
	if !ok {
		return bad("The assertion is of nobody whom the client may bring assertions of.")
	}
	now := p.Clock()
	switch {
	case !jws.NoneOrOfType(a.Token.Headers[0], "authorization-grant+jwt"): // RFC 8725 §3.11
		return bad("The assertion has the typ of another kind of JWT.")
	case !p.madeOutToUs(a.Audience):
		return clientauth.Asserted{}, errBearerAudience
	case a.Expires == nil:
		return bad("The assertion needs an exp.")
	case a.Expires.Time().Before(now.Add(-jws.Leeway)):
		return bad("The assertion has expired.")
	case a.Expires.Time().After(now.Add(maxBearer + jws.Leeway)):
		return bad("The assertion lives for too long.")
	case a.NotBefore != nil && a.NotBefore.Time().After(now.Add(jws.Leeway)), a.Issued != nil && a.Issued.Time().After(now.Add(jws.Leeway)):
		return bad("The assertion is not good yet.")
	case a.ID == "" || len(a.ID) > 512:
		return bad("The assertion needs a jti.")
	}
	issuer, kid := &clients.Client{ID: w.client.ID, JWKS: from.JWKS, JWKSURI: from.JWKSURI}, a.Token.Headers[0].KeyID
	why := "The assertion is not signed with a key of its issuer."
	signed, err := p.searchKeys(ctx, issuer, kid, jws.By(a.Token, &why))
	if err != nil {
		return clientauth.Asserted{}, wire.Refuse("invalid_grant", "The keys of the issuer could not be had.").Because(err)
	}
	if !signed && why != jws.BadLength {
		w.signers = p.signersOf(ctx, issuer, a.Issuer, kid)
	}
	if !signed {
		return bad(why)
	}
	return a, nil
}

// madeOutToUs tells whether the audience is our issuer or token endpoint, alone or in
// a list of one. RFC 7523 §3.
func (p *Provider) madeOutToUs(raw json.RawMessage) bool {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return p.prover.IsUs(one)
	}
	var many []string
	return json.Unmarshal(raw, &many) == nil && len(many) == 1 && p.prover.IsUs(many[0])
}

// vouched gives the account that the assertion is about.
func (p *Provider) vouched(ctx context.Context, w *work, a clientauth.Asserted) (accounts.Account, error) {
	if from, _ := w.client.AssertionIssuer(a.Issuer); from.Subject == "email" {
		return p.Accounts.ByEmail(ctx, a.Subject)
	}
	return p.accountOf(ctx, w.client.Client, a.Subject)
}

// errDetailsUnasked refuses details where nobody is there to be asked: what was allowed once
// is not allowed again. RFC 9396 §5, §11.
var errDetailsUnasked = wire.Refuse("invalid_authorization_details", "The person has to be asked about authorization_details each time, and an assertion asks nobody.")

// aimBearer finds what the token is for. A client that is not ours gets no more than
// the person allowed it before, and so no authorization_details.
func (p *Provider) aimBearer(ctx context.Context, w *work, account accounts.Account) (aimed target.Target, err error) {
	scopes := slices.DeleteFunc(slices.Clone(w.client.Scopes), func(s string) bool { return s == "offline_access" })
	if asked := strings.Fields(w.form.Get("scope")); len(asked) > 0 {
		if !target.Within(asked, scopes) {
			return aimed, wire.RefuseAs("invalid_scope")
		}
		scopes = asked
	}
	most, err := p.wish(ctx, w, scopes)
	if err != nil {
		return aimed, err
	}
	if !w.client.FirstParty {
		if len(most.Details) > 0 {
			return aimed, errDetailsUnasked
		}
		covered, err := p.Interaction.Covered(ctx, account.ID, w.client.ID, scopes)
		if err != nil {
			return aimed, err
		}
		if !covered {
			return aimed, wire.Refuse("invalid_grant", "The person has not allowed the client what it asks for.")
		}
	}
	return p.targets.Aim(ctx, w.client.Client, w.form, most)
}
