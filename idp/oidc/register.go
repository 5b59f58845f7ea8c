package oidc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"tegata/idp/accounts"
	"tegata/idp/clients"
	"tegata/idp/oidc/wire"
	"tegata/shared/audit"
	"tegata/shared/fault"
	"tegata/shared/limit"
	"tegata/shared/secret"
)

// Who may register a client.
const (
	RegistrationClosed  = "closed"  // nobody
	RegistrationInvited = "invited" // whoever has an initial access token
	RegistrationOpen    = "open"    // everybody, within limits; such clients are marked as unverified
)

// Registration says who may register a client here (RFC 7591). The zero value is
// nobody.
type Registration struct {
	Mode     string
	PerPlace limit.Rule // registrations from one place, without an invitation
	All      limit.Rule // and from all of them
}

func (r Registration) orDefault() Registration {
	if r.PerPlace.Burst == 0 {
		r.PerPlace = limit.Rule{Name: "registration.place", Burst: 10, Every: 6 * time.Minute}
	}
	if r.All.Burst == 0 {
		r.All = limit.Rule{Name: "registration.all", Burst: 500, Every: time.Minute}
	}
	return r
}

// maxRegistration bounds a registration request, in bytes.
const maxRegistration = 32 << 10

// register answers POST /oauth2/register. RFC 7591 §3, OIDC Registration §3.
func (p *Provider) register(w http.ResponseWriter, r *http.Request) {
	if p.Registration.Mode != RegistrationInvited && p.Registration.Mode != RegistrationOpen {
		wire.WriteJSON(w, http.StatusNotFound, map[string]string{"error": "not_found", "error_description": "Clients do not register themselves here."})
		return
	}
	client, answer, err := p.newClient(w, r)
	if err != nil {
		p.refuseRegistration(w, r, err)
		return
	}
	p.Count("client_registered")
	p.Log.InfoContext(r.Context(), "client registered", "client", client.ID, "unverified", client.Unverified)
	wire.WriteJSON(w, http.StatusCreated, answer)
}

// newClient reads, checks and writes a registration.
func (p *Provider) newClient(w http.ResponseWriter, r *http.Request) (c clients.Client, answer map[string]any, err error) {
	invitation, err := p.mayRegister(r)
	if err != nil {
		return c, nil, err
	}
	said, err := readMetadata(w, r)
	if err != nil {
		return c, nil, err
	}
	c = clients.Client{ID: secret.NewID(), Unverified: invitation == ""}
	clear, err := p.applyMetadata(r.Context(), &c, said)
	if err != nil {
		return c, nil, err
	}
	about := clients.Registration{Place: accounts.Place(r.Context())}
	var token string
	err = p.DB.Tx(r.Context(), func(ctx context.Context) (err error) {
		if invitation != "" {
			if about.InvitationID, err = p.Clients.Accept(ctx, invitation); err != nil {
				return err
			}
		}
		if token, err = p.Clients.Register(ctx, c, about); err != nil {
			return err
		}
		return p.Audit.Record(ctx, audit.Event{Action: "client.registered", Actor: "client", Client: c.ID, Details: map[string]string{
			"name": c.NameIn("en"), "returns_to": c.Return(), "invitation": about.InvitationID,
		}})
	})
	if err != nil {
		return c, nil, err
	}
	answer, err = p.registration(&c, clear, token, p.Clock())
	return c, answer, err
}

// mayRegister gives the initial access token of a request that has one. Whoever has
// none is counted, where registration is open; a bad one is never taken for none.
func (p *Provider) mayRegister(r *http.Request) (invitation string, err error) {
	ctx, now := r.Context(), p.Clock()
	if r.Header.Get("Authorization") != "" || p.Registration.Mode == RegistrationInvited {
		token, err := bearer(r)
		if err == nil {
			err = p.Clients.Invited(ctx, token)
		}
		return token, err
	}
	if err := p.Limit.Take(ctx, p.Registration.PerPlace, accounts.Place(ctx), now); err != nil {
		return "", err
	}
	return "", p.Limit.Take(ctx, p.Registration.All, "", now)
}

// readMetadata reads a registration request: one JSON object.
func readMetadata(w http.ResponseWriter, r *http.Request) (map[string]json.RawMessage, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, wire.Refuse("invalid_client_metadata", "The body has to be application/json.")
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRegistration))
	if err != nil {
		return nil, wire.Refuse("invalid_client_metadata", "The body could not be read, or is too long.").Because(err)
	}
	return parseMetadata(text)
}

func parseMetadata(text []byte) (map[string]json.RawMessage, error) {
	var said map[string]json.RawMessage
	if err := json.Unmarshal(text, &said); err != nil || said == nil {
		return nil, wire.Refuse("invalid_client_metadata", "The body has to be one JSON object.")
	}
	return said, nil
}

// applyMetadata puts what a client says about itself into its registration and checks
// all of it. clear is its new secret, if it needs one and has none.
func (p *Provider) applyMetadata(ctx context.Context, c *clients.Client, said map[string]json.RawMessage) (clear string, err error) {
	before := slices.Clone(c.RedirectURIs)
	sector := c.SectorIdentifierURI
	problems := c.Apply(said)
	if c.HasSecret() && len(c.SecretDigests) == 0 {
		clear = secret.Text()
		sum := sha256.Sum256([]byte(clear))
		c.SecretDigests = []string{hex.EncodeToString(sum[:])}
	}
	c.Default()
	problems = append(problems, c.Check("", p.Development)...)
	if len(problems) > 0 {
		return "", misfit(worst(problems))
	}
	if err := p.fits(c); err != nil {
		return "", err
	}
	if c.SectorIdentifierURI != "" && (c.SectorIdentifierURI != sector || !slices.Equal(before, c.RedirectURIs)) {
		err = p.checkSector(ctx, c)
	}
	return clear, err
}

// worst is the problem that is told: one of an address before all others.
func worst(problems clients.Problems) string {
	for _, one := range problems {
		if strings.HasPrefix(one.Path, ".redirect_uris") {
			return one.Path
		}
	}
	return problems[0].Path
}

// misfit is the refusal of a value. It names the member and nothing that was sent.
func misfit(path string) *wire.Refusal {
	path = strings.TrimPrefix(path, ".")
	code := "invalid_client_metadata"
	if strings.HasPrefix(path, "redirect_uris") {
		code = "invalid_redirect_uri"
	}
	if strings.ContainsFunc(path, func(r rune) bool { return wire.Unprintable(r) || r == '"' || r == '\\' }) || len(path) > 80 {
		path = "client_name" // in a language that does not exist
	}
	return wire.Refuse(code, "The value of "+path+" is missing or is not accepted here.")
}

// fits checks what Check cannot know: what is switched on here, and that a stranger's
// log-in starts at https even in development (Third-Party Initiated Login).
func (p *Provider) fits(c *clients.Client) error {
	for _, one := range c.ResponseTypes {
		if !slices.Contains(p.kinds, clients.ResponseType(one)) {
			return misfit("response_types")
		}
	}
	if c.InitiateLoginURI != "" && !strings.HasPrefix(c.InitiateLoginURI, "https://") {
		return misfit("initiate_login_uri")
	}
	return nil
}

// registration is the answer to whoever registered or manages a client. RFC 7591
// §3.2.1, RFC 7592 §3. Secret and token are there when they are new.
func (p *Provider) registration(c *clients.Client, clear, token string, since time.Time) (map[string]any, error) {
	answer, err := c.Metadata()
	if err != nil {
		return nil, err
	}
	answer["client_id_issued_at"] = since.Unix()
	answer["registration_client_uri"] = p.Issuer + pathRegister + "/" + c.ID
	answer["registration_access_token"] = token
	if clear != "" {
		answer["client_secret"] = clear
	}
	if c.HasSecret() {
		answer["client_secret_expires_at"] = 0
	}
	return answer, nil
}

// refuseRegistration answers as RFC 7591 §3.2.2 and RFC 6750 §3 say.
func (p *Provider) refuseRegistration(w http.ResponseWriter, r *http.Request, err error) {
	var own *wire.Refusal
	switch {
	case errors.Is(err, errNoToken):
		w.Header().Set("WWW-Authenticate", `Bearer realm="registration"`)
		own = wire.Refuse("invalid_token", "A token is needed here.")
	case fault.Is(err, fault.Denied):
		w.Header().Set("WWW-Authenticate", `Bearer realm="registration", error="invalid_token"`)
		own = wire.Refuse("invalid_token", "The token is unknown, used up or expired.")
	default:
		own = wire.RefusalOf(err)
	}
	p.Count("registration_refused." + own.Code)
	status := own.Status()
	switch own.Code {
	case "invalid_token":
		status = http.StatusUnauthorized
	case "temporarily_unavailable":
		w.Header().Set("Retry-After", own.RetryAfter())
	}
	if status >= http.StatusInternalServerError {
		p.Log.ErrorContext(r.Context(), "registration failed", "error", err.Error())
	} else {
		p.Log.InfoContext(r.Context(), "registration refused", "refusal", own.Code, "why", own.Why)
	}
	wire.WriteJSON(w, status, map[string]string{"error": own.Code, "error_description": own.Why})
}
