package oidc

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"

	"tegata/idp/clients"
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
	b, err := marshal(value)
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
	claims     map[string]any
}

// claimsText gives the claims signed, encrypted, or both in this order.
func (p *Provider) claimsText(ctx context.Context, a claimsText) (string, error) {
	payload, err := json.Marshal(a.claims)
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

// marshal is json.Marshal, quicker for claims: that finds out by reflection about each
// of them that it is a short text.
func marshal(value any) ([]byte, error) {
	claims, ok := value.(map[string]any)
	if !ok || claims == nil {
		return json.Marshal(value)
	}
	var few [24]string
	names := few[:0]
	for name := range claims {
		names = append(names, name)
	}
	slices.Sort(names)
	b := append(make([]byte, 0, 512), '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendJSON(b, name); err != nil {
			return nil, err
		}
		b = append(b, ':')
		if b, err = appendJSON(b, claims[name]); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// appendJSON knows texts in ASCII, truths and times; json does the rest.
func appendJSON(b []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case string:
		if unescaped(v) {
			return append(append(append(b, '"'), v...), '"'), nil
		}
	case bool:
		return strconv.AppendBool(b, v), nil
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	}
	text, err := json.Marshal(value)
	return append(b, text...), err
}

// unescaped tells whether json writes s as it is.
func unescaped(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}
