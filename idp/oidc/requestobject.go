package oidc

import (
	"context"
	"strings"

	"github.com/go-jose/go-jose/v4/jwt"

	"tegata/idp/clients"
	"tegata/idp/oidc/jws"
	"tegata/idp/oidc/requestobject"
	"tegata/idp/oidc/wire"
)

// openRequest puts the parameters of the request object in the place of those around
// it, by the rules given, once the client's signature is found to be right.
func (p *Provider) openRequest(ctx context.Context, a *authorization, rules string) error {
	if !a.client.HasKeys() {
		return wire.RefuseAs("request_not_supported")
	}
	o, ok := requestobject.Parse(a.params.Get("request"))
	if !ok {
		return wire.RefuseAs("invalid_request_object")
	}
	if why := o.Wrong(a.client, p.Issuer, rules, p.Clock()); why != "" {
		return wire.Refuse("invalid_request_object", why)
	}
	if err := p.signedBy(ctx, a.client, o.Token); err != nil {
		return err
	}
	outer := a.params
	outer.Del("request")
	if rules == clients.RulesOIDC {
		for name, values := range outer {
			if !o.Params.Has(name) {
				o.Params[name] = values
			}
		}
	}
	o.Params.Set("client_id", a.client.ID)
	if o.Params.Get("response_type") != outer.Get("response_type") && outer.Has("response_type") && rules == clients.RulesOIDC {
		return wire.Refuse("invalid_request_object", "The response_type of the request object is another one.") // OIDC Core §6.1
	}
	a.params, a.signed = o.Params, true
	return nil
}

// signedBy checks the signature with the client's keys.
func (p *Provider) signedBy(ctx context.Context, client *clients.Client, token *jwt.JSONWebToken) error {
	why := "The request object is not signed with a key of the client."
	signed, err := p.searchKeys(ctx, client, token.Headers[0].KeyID, jws.By(token, &why))
	if err != nil {
		return wire.Refuse("invalid_request_object", "The keys of the client could not be had.").Because(err)
	}
	if !signed {
		return wire.Refuse("invalid_request_object", why)
	}
	return nil
}

// checkSigned holds clients to signing that said they would. RFC 9101 §10.5.
func checkSigned(_ *Provider, a *authorization) error {
	if a.client.RequireSignedRequest && !a.signed {
		return wire.Refuse("invalid_request", "The client has to sign its requests (RFC 9101).")
	}
	return nil
}

// gather collects the parameters of a request that refers to some of them.
func (p *Provider) gather(ctx context.Context, a *authorization) error {
	uri := a.params.Get("request_uri")
	switch {
	case strings.HasPrefix(uri, pushedPrefix):
		return p.pull(ctx, a, uri)
	case uri != "":
		return p.refer(ctx, a, uri)
	case a.params.Has("request") && uri == "":
		p.answersTo(a) // what is wrong with the object may be told there
		return p.openRequest(ctx, a, a.client.RequestRules)
	}
	return nil
}
