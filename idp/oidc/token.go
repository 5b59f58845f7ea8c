package oidc

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ory/fosite"

	"tegata/idp/clients"
	"tegata/idp/oidc/clientauth"
	"tegata/idp/oidc/dpop"
	"tegata/idp/oidc/grants"
	"tegata/idp/oidc/target"
	"tegata/idp/oidc/tokens"
	"tegata/idp/oidc/wire"
)

// work is one request of a client as it goes along: what came, what was found, and what
// redeem has to write. It travels in the context, past fosite.
type work struct {
	began       time.Time     // when the request came
	arrived     *http.Request // as it came
	form        url.Values
	certificate *x509.Certificate // what the caller showed

	claimed   claim                 // who says to ask, and how
	client    *registered           // who asks, once that is proved
	assertion *clientauth.Assertion // what proved it, to be remembered
	proof     *dpop.Proof           // of the key that tokens are bound to, to be remembered

	code      *issued         // what the code that came stands for, also of one that has expired
	request   *fosite.Request // the same for fosite, of one that has not
	looked    error           // fosite's word for a code that is no good
	refreshed *grants.Token   // the refresh token that came
	repeated  bool            // it came before, and its answer may have got lost
	foreign   string          // the client whose token came and may not be exchanged
	signers   *signers        // who could have signed the assertion that came, when nobody of them did
	opened    opened          // or what one of the grant types of granttypes.go has found

	grant      string               // what the tokens belong to
	machine    bool                 // or there is none: the client acts for itself
	scopes     []string             // of the grant
	target     *target.Target       // what the access token is for
	bound      tokens.Confirmation  // the key that the tokens need
	access     string               // the access token's id
	accessText string               // the access token
	refresh    *grants.RefreshToken // nil: there is no new one
	signs      clients.Signed       // what the answer is, where it is signed
}

type workKey struct{}

func withWork(r *http.Request) (context.Context, *work) {
	w := &work{arrived: r}
	return context.WithValue(r.Context(), workKey{}, w), w
}

func workOf(ctx context.Context) *work { return ctx.Value(workKey{}).(*work) }

// token answers POST /oauth2/token. RFC 6749 §3.2.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	ctx, work, answer, err := p.serveToken(w, r)
	if errors.Is(err, errOutrun) { // by a request with the same refresh token: this one counts as its repetition
		if err = p.DB.Tx(ctx, nothing); err == nil {
			ctx, work, answer, err = p.serveToken(w, r)
		}
	}
	if err != nil {
		p.refuseToken(ctx, w, work, err)
		return
	}
	p.Count("token_issued")
	p.noteClient(work, nil)
	wire.WriteJSON(w, http.StatusOK, answer)
}

// nothing, as a transaction, waits until everything that was written before it can be
// read: on SQLite who loses hears of it before the winner's commit.
func nothing(context.Context) error { return nil }

// serveToken finds the answer and writes what it leads to.
func (p *Provider) serveToken(w http.ResponseWriter, r *http.Request) (context.Context, *work, tokens.Answer, error) {
	ctx, work := withWork(r)
	work.began = p.Clock()
	answer, err := p.exchange(ctx, w, r)
	return ctx, work, answer, p.redeem(ctx, work, err)
}

// exchange walks through the grant. It writes nothing to the database.
func (p *Provider) exchange(ctx context.Context, w http.ResponseWriter, r *http.Request) (tokens.Answer, error) {
	if err := wire.ReadForm(w, r); err != nil {
		return tokens.Answer{}, err
	}
	switch r.PostForm.Get("grant_type") {
	case "":
		return tokens.Answer{}, wire.Refuse("invalid_request", "The parameter grant_type is missing.")
	case clients.AuthorizationCode:
		if r.PostForm.Get("code") == "" {
			return tokens.Answer{}, wire.Refuse("invalid_request", "The parameter code is missing.")
		}
	case clients.RefreshToken:
		if r.PostForm.Get("refresh_token") == "" {
			return tokens.Answer{}, wire.Refuse("invalid_request", "The parameter refresh_token is missing.")
		}
	default:
		if err := checkOwnGrant(r.PostForm); err != nil {
			return tokens.Answer{}, err
		}
	}
	work, err := workOf(ctx), error(nil)
	if work.proof, err = p.proofs().Read(w, r, pathToken, ""); err != nil {
		return tokens.Answer{}, err
	}
	work.form = r.PostForm
	work.certificate = p.certificateOf(r)
	request, err := p.engine.NewAccessRequest(ctx, r, &session{})
	if err == nil {
		err = p.bind(work)
	}
	if err != nil {
		return tokens.Answer{}, err
	}
	response, err := p.engine.NewAccessResponse(ctx, request)
	if err != nil {
		return tokens.Answer{}, err
	}
	good := answer(response, work, work.accessLives(p))
	good.TokenType = work.bound.TokenType()
	return good, nil
}

func answer(r fosite.AccessResponder, w *work, lives time.Duration) tokens.Answer {
	text := func(key string) string {
		s, _ := r.GetExtra(key).(string)
		return s
	}
	return tokens.Answer{
		AccessToken: r.GetAccessToken(), TokenType: "Bearer", ExpiresIn: int64(lives / time.Second),
		RefreshToken: text("refresh_token"), IDToken: text("id_token"),
		Scope: strings.Join(w.target.Scopes, " "), NoScope: w.target.Barred,
		IssuedTokenType: w.opened.kind, Details: w.target.Details,
	}
}

// refuseToken answers an error and tells the log why; who keeps guessing is not
// written down for each guess.
func (p *Provider) refuseToken(ctx context.Context, w http.ResponseWriter, work *work, err error) {
	r := wire.RefusalOf(err)
	p.Count("token_refused." + r.Code)
	p.noteClient(work, err)
	client := ""
	if work.client != nil {
		client = work.client.ID
	}
	if r.Status() >= http.StatusInternalServerError {
		p.Log.ErrorContext(ctx, "token request failed", "client", client, "error", err.Error())
	} else {
		p.Log.InfoContext(ctx, "token request refused", "client", client, "refusal", r.Code, "why", r.Why)
	}
	r.Answer(w)
}
