package oidc

import (
	"context"
	"net/http"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/idp/clients"
	"tegata/idp/oidc/claims"
	"tegata/idp/oidc/jwe"
	"tegata/idp/oidc/object"
)

// claimsText is an answer that is not plain JSON.
type claimsText struct {
	typ, alg   string // alg is "" where it is encrypted without being signed
	client     *clients.Client
	encryption clients.Encryption
	claims     claims.Set
}

// claimsText gives the claims signed, encrypted, or both in this order.
func (p *Provider) claimsText(ctx context.Context, a claimsText) (string, error) {
	payload, err := object.Marshal(a.claims)
	text := string(payload)
	if err == nil && a.alg != "" {
		text, err = p.signer.Sign(ctx, a.alg, a.typ, payload)
	}
	if err == nil {
		text, err = p.encrypted(ctx, a.client, a.encryption, text)
	}
	return text, err
}

// forClient serves an endpoint that only clients may ask which prove themselves: answer
// proves the client, finds the answer and gives what sends it. Metrics and the client's
// diary hear of either end.
func (p *Provider) forClient(event string, answer func(context.Context, http.ResponseWriter, *work) (send func(), err error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, work := withWork(r)
		send, err := answer(ctx, w, work)
		if err != nil {
			p.refuseToken(ctx, w, work, err)
			return
		}
		p.Count(event)
		p.noteClient(work, nil)
		send()
	}
}

// encrypted gives text, which is a JWT or its claims, encrypted to the client as how
// says; the text itself where it says nothing. RFC 7516, RFC 7519 §5.2.
func (p *Provider) encrypted(ctx context.Context, client *clients.Client, how clients.Encryption, text string) (string, error) {
	if !how.On() {
		return text, nil
	}
	var sealed string
	var failed error
	_, err := p.searchKeys(ctx, client, "", func(keys []jose.JSONWebKey) bool {
		sealed, failed = jwe.Encrypt(text, how, keys)
		return failed == nil
	})
	if err != nil {
		return "", jwe.NoKey(how.Alg).Because(err)
	}
	return sealed, failed
}
