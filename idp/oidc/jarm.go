package oidc

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"tegata/idp/clients"
	"tegata/idp/oidc/reply"
)

const (
	signedAnswerFor  = time.Minute      // how long a signed answer is good: a browser carries it at once
	waitingAnswerFor = 10 * time.Minute // one that a person has to send: the most that JARM §2.1 recommends
	parameterOfReply = "response"
)

// signedAnswer makes the one parameter of a signed answer, from all others. iss is
// inside, so RFC 9207's is not needed beside it (RFC 9207 §2.4). JARM §2.1.
func (p *Provider) signedAnswer(ctx context.Context, a *authorization, answer [][2]string) ([][2]string, error) {
	client, lives := a.client, signedAnswerFor
	if a.waits {
		lives = waitingAnswerFor
	}
	claims := map[string]any{}
	for _, pair := range answer {
		claims[pair[0]] = pair[1]
	}
	claims["iss"], claims["aud"], claims["exp"] = p.Issuer, client.ID, p.Clock().Add(lives).Unix()
	payload, err := json.Marshal(claims)
	if err != nil {
		return nil, err
	}
	text, err := p.signer.Sign(ctx, client.SigningAlg(clients.AuthorizationAnswers), "JWT", payload)
	if err == nil {
		text, err = p.encrypted(ctx, client, client.AnswerEncryption(), text)
	}
	return [][2]string{{parameterOfReply, text}}, err
}

// answersTo notes where answers go, if the address of the request is the client's own,
// and how. The mode counts even if it is refused later: then it is the plain one.
func (p *Provider) answersTo(a *authorization) bool {
	uri := a.params.Get("redirect_uri")
	a.back = reply.Reply{}
	if !a.client.Redirects(uri) {
		return false
	}
	a.back = reply.Reply{URI: uri, State: a.params.Get("state"), Issuer: p.Issuer, Style: p.Style}
	mode := a.params.Get("response_mode")
	a.back.Mode = modeOf(a.params.Get("response_type"), mode)
	if carries, ok := reply.Carrier(mode); ok {
		if mode != reply.JWT || a.back.Mode == reply.Query { // JARM §2.3.4: else the default of the response type
			a.back.Mode = carries
		}
		a.back.Sign = func(r *http.Request, answer [][2]string) ([][2]string, error) {
			return p.signedAnswer(r.Context(), a, answer)
		}
	}
	return true
}
