package oidc

import (
	"context"
	"io"
	"net/http"

	"tegata/idp/clients"
	"tegata/idp/oidc/object"
	"tegata/shared/serve"
)

// What answers in JSON say of themselves, made once.
var (
	typeJSON = []string{"application/json"}
	noStore  = []string{"no-store"}
	noCache  = []string{"no-cache"} // RFC 6749 §5.1 asks for it too
)

// writeJSON answers with value, never to be stored.
func writeJSON(w http.ResponseWriter, status int, value any) {
	b, err := object.Marshal(value)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"error":"server_error"}`)
	}
	serve.Data(w)
	h := w.Header()
	h["Content-Type"], h["Cache-Control"], h["Pragma"] = typeJSON, noStore, noCache
	w.WriteHeader(status)
	w.Write(b)
}

// writeText answers with a text of that media type, never to be stored.
func writeText(w http.ResponseWriter, kind, text string) {
	h := w.Header()
	h["Content-Type"], h["Cache-Control"], h["Pragma"] = []string{kind}, noStore, noCache
	io.WriteString(w, text)
}

// claimsText is an answer that is not plain JSON.
type claimsText struct {
	typ, alg   string // alg is "" where it is encrypted without being signed
	client     *clients.Client
	encryption clients.Encryption
	claims     claimsSet
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
func (p *Provider) forClient(event string, answer func(context.Context, http.ResponseWriter, *http.Request, *work) (send func(), err error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, work := withWork(r)
		send, err := answer(ctx, w, r, work)
		if err != nil {
			p.refuseToken(ctx, w, work, err)
			return
		}
		p.Count(event)
		p.noteClient(work, nil)
		send()
	}
}
