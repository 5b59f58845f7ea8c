package oidc

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"tegata/idp/clients"
)

// The response modes of signed answers. JARM §2.3.
const (
	modeJWT          = "jwt"
	modeQueryJWT     = "query.jwt"
	modeFragmentJWT  = "fragment.jwt"
	modeFormPostJWT  = "form_post.jwt"
	signedAnswerFor  = time.Minute // how long a signed answer is good: a browser carries it at once
	parameterOfReply = "response"
)

// jarmModes are the modes in which the answer is signed, with the mode that carries it.
var jarmModes = map[string]string{
	modeJWT:         modeQuery, // JARM §2.3.4: the default of response type code
	modeQueryJWT:    modeQuery,
	modeFragmentJWT: modeFragment,
	modeFormPostJWT: modeFormPost,
}

// signedAnswer makes the one parameter of a signed answer, from all others. iss is
// inside, so RFC 9207's is not needed beside it (RFC 9207 §2.4). JARM §2.1.
func (p *Provider) signedAnswer(ctx context.Context, client *clients.Client, answer [][2]string) ([][2]string, error) {
	claims := map[string]any{}
	for _, pair := range answer {
		claims[pair[0]] = pair[1]
	}
	claims["iss"], claims["aud"], claims["exp"] = p.Issuer, client.ID, p.Clock().Add(signedAnswerFor).Unix()
	payload, err := json.Marshal(claims)
	if err != nil {
		return nil, err
	}
	text, err := p.signer.Sign(ctx, client.ResponseAlg, "JWT", payload)
	if err == nil {
		text, err = p.encrypted(ctx, client, client.AnswerEncryption(), text)
	}
	return [][2]string{{parameterOfReply, text}}, err
}

// answersTo notes where answers go, if the address of the request is the client's own,
// and how. The mode counts even if it is refused later: then it is the plain one.
func (p *Provider) answersTo(a *authorization) bool {
	uri := a.params.Get("redirect_uri")
	a.back = reply{}
	if !a.client.Redirects(uri) {
		return false
	}
	a.back = reply{uri: uri, state: a.params.Get("state"), issuer: p.Issuer, style: p.Style}
	mode := a.params.Get("response_mode")
	a.back.mode = p.modeOf(a.params.Get("response_type"), mode)
	if carries, ok := jarmModes[mode]; ok {
		if mode != modeJWT || a.back.mode == modeQuery { // JARM §2.3.4: else the default of the response type
			a.back.mode = carries
		}
		a.back.sign = func(r *http.Request, answer [][2]string) ([][2]string, error) {
			return p.signedAnswer(r.Context(), a.client, answer)
		}
	}
	return true
}

// separator is what stands between an address and its first parameter.
func (b reply) separator() byte {
	switch {
	case b.mode == modeFragment:
		return '#'
	case strings.Contains(b.uri, "?"):
		return '&'
	}
	return '?'
}
