// Package registration lets clients register themselves, and change or end what they
// registered: OpenID Connect Dynamic Client Registration, RFC 7591 and RFC 7592.
//
//	registration.go  Policy: who may; Handler: POST to the endpoint
//	metadata.go      what a client may say about itself, and whether it holds here
//	strict.go        what is no text at all, or says one thing twice
//	manage.go        GET, PUT and DELETE for whoever has the client's registration token
//
// What a registration is, and the rules for its values, is of package clients. A client
// that registered itself is never trusted like one that an operator wrote down.
package registration

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"tegata/idp/accounts"
	"tegata/idp/clients"
	"tegata/idp/oidc/wire"
	"tegata/shared/audit"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/fault"
	"tegata/shared/limit"
	"tegata/shared/secret"
)

// Who may register a client.
const (
	Closed  = "closed"  // nobody
	Invited = "invited" // whoever has an initial access token
	Open    = "open"    // everybody, within limits; such clients are marked as unverified
)

// Policy says who may register a client here. The zero value is nobody.
type Policy struct {
	Mode     string     // Closed, Invited or Open
	PerPlace limit.Rule // registrations from one place, without an invitation; zero: ten an hour
	All      limit.Rule // and from all of them; zero: 60 an hour, 500 at once
}

func (p Policy) orDefault() Policy {
	if p.PerPlace.Burst == 0 {
		p.PerPlace = limit.Rule{Name: "registration.place", Burst: 10, Every: 6 * time.Minute}
	}
	if p.All.Burst == 0 {
		p.All = limit.Rule{Name: "registration.all", Burst: 500, Every: time.Minute}
	}
	return p
}

// Registers tells whether anybody may register a client at all.
func (p Policy) Registers() bool { return p.Mode == Invited || p.Mode == Open }

// Handler answers the requests of clients about themselves. All fields are filled once.
type Handler struct {
	Policy   Policy
	Endpoint string // its URL; that of one registration lies below it
	Setting  clients.Setting

	DB       *db.DB
	Clients  *clients.Registry
	Audit    audit.Log
	Limit    limit.Limiter
	Clock    clock.Clock
	Outbound *http.Client // what fetches the list of a sector
	Log      *slog.Logger
	Count    func(event string) // metrics: "client_registered", "registration_refused.invalid_token" …
}

// Register answers POST /oauth2/register. RFC 7591 §3, OIDC Registration §3.
func (h *Handler) Register(w http.ResponseWriter, r *http.Request) {
	if !h.Policy.Registers() {
		wire.WriteJSON(w, http.StatusNotFound, map[string]string{"error": "not_found", "error_description": "Clients do not register themselves here."})
		return
	}
	client, answer, err := h.newClient(w, r)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	h.Count("client_registered")
	h.Log.InfoContext(r.Context(), "client registered", "client", client.ID, "unverified", client.Unverified)
	wire.WriteJSON(w, http.StatusCreated, answer)
}

// newClient reads, checks and writes a registration.
func (h *Handler) newClient(w http.ResponseWriter, r *http.Request) (c clients.Client, answer map[string]any, err error) {
	invitation, err := h.mayRegister(r)
	if err != nil {
		return c, nil, err
	}
	said, err := readMetadata(w, r)
	if err != nil {
		return c, nil, err
	}
	c = clients.Client{ID: secret.NewID(), Unverified: invitation == ""}
	clear, err := h.applyMetadata(r.Context(), &c, said)
	if err != nil {
		return c, nil, err
	}
	about := clients.Registration{Place: accounts.Place(r.Context())}
	var token string
	err = h.DB.Tx(r.Context(), func(ctx context.Context) (err error) {
		if invitation != "" {
			if about.InvitationID, err = h.Clients.Accept(ctx, invitation); err != nil {
				return err
			}
		}
		if token, err = h.Clients.Register(ctx, c, about); err != nil {
			return err
		}
		return h.Audit.Record(ctx, audit.Event{Action: "client.registered", Actor: "client", Client: c.ID, Details: map[string]string{
			"name": c.NameIn("en"), "returns_to": c.Return(), "invitation": about.InvitationID,
		}})
	})
	if err != nil {
		return c, nil, err
	}
	answer, err = h.answer(&c, clear, token, h.Clock())
	return c, answer, err
}

// tooManyHere is what somebody is told whose own limit it is.
const tooManyHere = "Too many clients were registered from your address lately; Retry-After says when the next one may be."

// mayRegister gives the initial access token of a request that has one. Whoever has
// none is counted, where registration is open; a bad one is never taken for none.
func (h *Handler) mayRegister(r *http.Request) (invitation string, err error) {
	ctx, now, policy := r.Context(), h.Clock(), h.Policy.orDefault()
	if len(r.Header["Authorization"]) > 0 || policy.Mode == Invited {
		token, err := bearer(r)
		if err == nil {
			err = h.Clients.Invited(ctx, token)
		}
		return token, err
	}
	if err := h.Limit.Take(ctx, policy.PerPlace, accounts.Place(ctx), now); err != nil {
		if fault.Is(err, fault.TooMany) {
			err = wire.Refuse("temporarily_unavailable", tooManyHere).Because(err)
		}
		return "", err
	}
	return "", h.Limit.Take(ctx, policy.All, "", now)
}

// answer is what whoever registers or manages a client is told: all of the registration,
// with the token, and the secret where it is new. RFC 7591 §3.2.1, RFC 7592 §3.
func (h *Handler) answer(c *clients.Client, clear, token string, since time.Time) (map[string]any, error) {
	answer, err := c.Metadata()
	if err != nil {
		return nil, err
	}
	answer["client_id_issued_at"] = since.Unix()
	answer["registration_client_uri"] = h.Endpoint + "/" + c.ID
	answer["registration_access_token"] = token
	if clear != "" {
		answer["client_secret"] = clear
	}
	if c.HasSecret() {
		answer["client_secret_expires_at"] = 0
	}
	return answer, nil
}

// refuse answers as RFC 7591 §3.2.2 and RFC 6750 §3 say.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
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
	h.Count("registration_refused." + own.Code)
	status := own.Status()
	switch own.Code {
	case "invalid_token":
		status = http.StatusUnauthorized
	case "temporarily_unavailable":
		w.Header().Set("Retry-After", own.RetryAfter())
	}
	if status >= http.StatusInternalServerError {
		h.Log.ErrorContext(r.Context(), "registration failed", "error", err.Error())
	} else {
		h.Log.InfoContext(r.Context(), "registration refused", "refusal", own.Code, "why", own.Why)
	}
	wire.WriteJSON(w, status, map[string]string{"error": own.Code, "error_description": own.Why})
}
