package oidc

import (
	"context"
	"net/url"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/handler/oauth2"
	"github.com/ory/fosite/handler/openid"

	"tegata/idp/clients"
	"tegata/idp/oidc/grants"
	"tegata/idp/oidc/object"
	"tegata/idp/oidc/target"
	"tegata/shared/fault"
	"tegata/shared/once"
	"tegata/shared/secret"
)

var (
	_ oauth2.CoreStrategy               = strategy{}
	_ openid.OpenIDConnectTokenStrategy = strategy{}
)

// codes is the purpose that codes are sealed for, and that of the rows of long ones.
const codes once.Purpose = "authorization_code"

// KeepCodes is how long grants have to be kept at least: while a grant is there, a code
// that comes a second time is recognized (RFC 6749 §4.1.2).
const KeepCodes = 24 * time.Hour

// maxCarried is how many bytes a code carries itself. It travels in a URL, beside what
// the client put there; longer ones, with much authorization_details or claims, lie in
// the database.
const maxCarried = 1200

// issued is what an authorization code stands for: all that the token endpoint needs
// of the authorization request. Whether it was used, its grant tells: see redeem.
type issued struct {
	ID          string   `json:"-"`
	At          int64    `json:"at"` // microseconds
	Client      string   `json:"client"`
	Registered  int64    `json:"registered,omitempty"` // when, in microseconds: which of those that had the id
	RedirectURI string   `json:"redirect_uri"`
	Scopes      []string `json:"scopes,omitempty"`
	Challenge   string   `json:"challenge,omitempty"` // S256
	Session     *session `json:"session"`
}

// Members writes what the tags of the fields say.
func (i issued) Members(w *object.Writer) {
	w.Value("at", i.At)
	w.Value("client", i.Client)
	w.Number("registered", i.Registered)
	w.Value("redirect_uri", i.RedirectURI)
	w.Texts("scopes", i.Scopes)
	w.Text("challenge", i.Challenge)
	w.Value("session", i.Session)
}

// Member reads what Members wrote.
func (i *issued) Member(name []byte, r *object.Reader) {
	switch string(name) {
	case "at":
		r.Number(&i.At)
	case "client":
		r.Text(&i.Client)
	case "registered":
		r.Number(&i.Registered)
	case "redirect_uri":
		r.Text(&i.RedirectURI)
	case "scopes":
		r.Texts(&i.Scopes)
	case "challenge":
		r.Text(&i.Challenge)
	case "session":
		if i.Session == nil {
			i.Session = &session{}
		}
		r.Object(i.Session)
	default:
		r.Unknown()
	}
}

func (i issued) createdAt() time.Time { return time.UnixMicro(i.At).UTC() }

// strategy makes the codes and tokens that fosite asks for. They are id.sealed or
// id.secret, so where fosite speaks of a signature it gets the token itself. Whether one
// is good is the storage's business.
type strategy struct{ p *Provider }

// GenerateAuthorizeCode makes a code, which no row has to be written for. fosite would
// store three records about it.
func (s strategy) GenerateAuthorizeCode(ctx context.Context, r fosite.Requester) (token, signature string, err error) {
	form, now, about := r.GetRequestForm(), s.p.Clock(), r.GetSession().(*session)
	text, err := s.p.makeCode(ctx, issued{
		ID:          about.grant,
		At:          now.UnixMicro(),
		Client:      r.GetClient().GetID(),
		Registered:  registeredAt(r.GetClient().(*registered).Client),
		RedirectURI: form.Get("redirect_uri"),
		Scopes:      r.GetGrantedScopes(),
		Challenge:   form.Get("code_challenge"),
		Session:     about,
	})
	return text, text, err
}

// makeCode gives the code that stands for i.
func (p *Provider) makeCode(ctx context.Context, i issued) (string, error) {
	plain, err := object.Marshal(i)
	if err != nil {
		return "", err
	}
	if len(plain) <= maxCarried {
		return p.sealing.Make(ctx, string(codes), i.ID, plain)
	}
	token, err := p.Once.Issue(ctx, once.New{Purpose: codes, Lives: KeepCodes, Payload: i}, p.Clock())
	return token.String(), err
}

// readCode gives what a code stands for, of either length. It gives fault.NotFound for
// what we did not make.
func (p *Provider) readCode(ctx context.Context, code string) (i issued, err error) {
	var id string
	var plain []byte
	if _, ok := secret.ParseToken(code); ok {
		ticket, err := p.Once.Look(ctx, codes, code, p.Clock())
		if fault.Is(err, fault.Expired) || fault.Is(err, fault.Conflict) {
			err = grants.Unknown()
		}
		if err != nil {
			return i, err
		}
		id, plain = ticket.ID, ticket.Payload
	} else if id, plain, err = p.sealing.Open(ctx, string(codes), code); err != nil {
		return i, err
	}
	err = object.Unmarshal(plain, &i)
	i.ID = id
	return i, err
}

func (strategy) AuthorizeCodeSignature(_ context.Context, token string) string { return token }
func (strategy) AccessTokenSignature(_ context.Context, token string) string   { return token }
func (strategy) RefreshTokenSignature(_ context.Context, token string) string  { return token }

func (strategy) ValidateAuthorizeCode(context.Context, fosite.Requester, string) error { return nil }
func (strategy) ValidateAccessToken(context.Context, fosite.Requester, string) error   { return nil }
func (strategy) ValidateRefreshToken(context.Context, fosite.Requester, string) error  { return nil }

// GenerateAccessToken makes a token. The handlers that are not fosite's have found out
// already what it is for.
func (s strategy) GenerateAccessToken(ctx context.Context, r fosite.Requester) (token, signature string, err error) {
	w, about := workOf(ctx), r.GetSession().(*session)
	if w.target == nil {
		form := url.Values{"resource": w.form["resource"], "authorization_details": w.form["authorization_details"]}
		most := target.Granted{Scopes: r.GetGrantedScopes(), Resources: about.Resources, Details: about.Details}
		aimed, err := s.p.targets.Aim(ctx, w.client.Client, form, most)
		if err != nil {
			return "", "", err
		}
		w.target, w.scopes = &aimed, most.Scopes
	}
	text, err := s.p.mint(ctx, w, about)
	return text, text, err
}

// GenerateRefreshToken makes a token and notes it for what redeem writes.
func (s strategy) GenerateRefreshToken(ctx context.Context, _ fosite.Requester) (token, signature string, err error) {
	w := workOf(ctx)
	var t grants.RefreshToken
	if w.refreshed == nil {
		t = grants.FirstRefresh(w.grant)
	} else {
		t = w.refreshed.Next(s.p.Once.Seal)
	}
	w.refresh = &t
	text := t.String()
	return text, text, nil
}

// lookUpCode finds what a code stands for, once per request.
func (p *Provider) lookUpCode(ctx context.Context, code string) (fosite.Requester, error) {
	w := workOf(ctx)
	if w.request != nil || w.looked != nil {
		return w.found(w.looked)
	}
	stands, err := p.readCode(ctx, code)
	if fault.Is(err, fault.NotFound) {
		w.looked = fosite.ErrNotFound
		return nil, w.looked
	}
	if err != nil {
		return nil, err
	}
	w.code, w.grant = &stands, stands.ID
	if now := p.Clock(); !now.Before(stands.createdAt().Add(p.Lifetimes.Code)) {
		w.looked = fosite.ErrNotFound
		return nil, w.looked
	}
	client, err := p.Clients.ByID(ctx, stands.Client)
	if fault.Is(err, fault.NotFound) {
		client, err = &clients.Client{ID: stands.Client}, nil // gone since
	}
	if err != nil {
		return nil, err
	}
	if stands.Registered != registeredAt(client) {
		w.looked = fosite.ErrNotFound // it was made for one that had this id before, and is nobody's now
		return nil, w.looked
	}
	w.request = stands.asRequest(&registered{client})
	return w.found(w.looked)
}

// registeredAt names one registration of a client id: the moment it was made, in
// microseconds. Whoever deletes a client and makes another one under its id makes another
// registration, and what was given to the first is not the second's.
func registeredAt(c *clients.Client) int64 { return c.RegisteredAt.UnixMicro() }

// found gives nil as an interface when there is nothing.
func (w *work) found(err error) (fosite.Requester, error) {
	if w.request == nil {
		return nil, err
	}
	return w.request, err
}

// asRequest turns the record into what fosite's handlers compare with.
func (i issued) asRequest(client fosite.Client) *fosite.Request {
	form := url.Values{"redirect_uri": {i.RedirectURI}}
	if i.Challenge != "" {
		form["code_challenge"], form["code_challenge_method"] = []string{i.Challenge}, []string{"S256"}
	}
	return &fosite.Request{
		ID: i.ID, RequestedAt: i.createdAt(), Client: client,
		RequestedScope: i.Scopes, GrantedScope: i.Scopes,
		Form: form, Session: i.Session,
	}
}
