package oidc

import (
	"context"
	"encoding/json"
	"strings"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/idp/clients"
	"tegata/idp/oidc/clientauth"
	"tegata/idp/oidc/wire"
)

// signers is who could have signed an assertion, and the key that it names.
type signers struct {
	issuer, kid string
	keys        []jose.JSONWebKey
}

// signersOf gives who could have signed an assertion of that name with that kid; nil when
// the keys cannot be had. Of many it tells some.
func (p *Provider) signersOf(ctx context.Context, issuer *clients.Client, name, kid string) *signers {
	could := &signers{issuer: name, kid: kid}
	_, err := p.searchKeys(ctx, issuer, "", func(keys []jose.JSONWebKey) bool {
		could.keys = keys[:min(len(keys), 8)]
		return true
	})
	if err != nil {
		return nil
	}
	return could
}

// whyNotBrought tells what is wrong with a token that the client brings to get another one:
// an assertion about a person (RFC 7523 §3), or a subject token (RFC 8693 §2.1). ok is false
// for refusals that say it by themselves.
func (p *Provider) whyNotBrought(w *work, c claim, refused *wire.Refusal) (reason clients.Reason, details map[string]string, ok bool) {
	switch {
	case w.foreign != "":
		from := "–"
		if policy := c.client.TokenExchange; policy != nil && len(policy.From) > 0 {
			from = strings.Join(policy.From, " ")
		}
		return clients.ReasonExchangeFrom, map[string]string{"given": w.foreign, "registered": from}, true
	case w.signers != nil:
		var kids []string
		for _, key := range w.signers.keys {
			kids = append(kids, named(key.KeyID))
		}
		return clients.ReasonBearerKey, map[string]string{
			"issuer": legible(w.signers.issuer), "given": named(w.signers.kid), "registered": strings.Join(kids, " "),
		}, true
	case refused.Reason == clients.ReasonBearerAudience:
		a, read := clientauth.Parse(w.form.Get("assertion"))
		if !read || len(a.Audience) == 0 {
			return "", nil, false
		}
		return clients.ReasonBearerAudience, compared(audienceText(a.Audience), p.prover.Audiences("endpoint")), true
	}
	return "", nil, false
}

// audienceText is an aud as it is compared: a text, or a list as it is, since to be one
// text may be all that is wrong.
func audienceText(aud json.RawMessage) string {
	var one string
	if json.Unmarshal(aud, &one) == nil {
		return one
	}
	return string(aud)
}

// named is a kid fit to be shown, a dash for none. Unlike other values that came it is no
// secret, however long.
func named(kid string) string {
	if kid == "" {
		return "–"
	}
	return strings.Map(func(r rune) rune {
		if wire.Unprintable(r) {
			return '?'
		}
		return r
	}, kid[:min(len(kid), 64)])
}
