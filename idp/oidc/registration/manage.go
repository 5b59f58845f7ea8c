package registration

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"tegata/idp/clients"
	"tegata/idp/oidc/wire"
	"tegata/shared/audit"
)

// Manage answers the path below Endpoint whose wildcard is {client}: GET reads a
// registration, PUT changes it, DELETE ends it. RFC 7592 §2. It works on when nobody may
// register any more.
func (h *Handler) Manage(w http.ResponseWriter, r *http.Request) {
	wire.AllowScripts(w.Header(), true)
	act := map[string]func(http.ResponseWriter, *http.Request, managed) error{
		http.MethodGet: h.show, http.MethodPut: h.change, http.MethodDelete: h.end,
	}[r.Method]
	switch {
	case r.Method == http.MethodOptions:
		wire.Preflight(w, "GET, PUT, DELETE")
		return
	case act == nil:
		w.Header().Set("Allow", "GET, PUT, DELETE, OPTIONS")
		wire.WriteJSON(w, http.StatusMethodNotAllowed, map[string]string{"error": "invalid_request"})
		return
	}
	about, err := h.managed(r)
	if err == nil {
		err = act(w, r, about)
	}
	if err != nil {
		h.refuse(w, r, err)
	}
}

// managed is a registration in the hands of whoever proved to have its token.
type managed struct {
	clients.Client
	clients.Registration
	token string
}

func (h *Handler) managed(r *http.Request) (managed, error) {
	token, err := bearer(r)
	if err != nil {
		return managed{}, err
	}
	c, about, err := h.Clients.Managed(r.Context(), r.PathValue("client"), token)
	return managed{c, about, token}, err
}

// errNoToken is answered with a challenge that names no error. RFC 6750 §3.1.
var errNoToken = errors.New("registration: no token")

// bearer gives the token in the header: the body is metadata here, and a token does
// not belong in a URL.
func bearer(r *http.Request) (string, error) {
	header, err := wire.Authorization(r)
	if err != nil {
		return "", err
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", errNoToken
	}
	return strings.TrimSpace(token), nil
}

// show answers GET. The secret is not in it: only its digest is kept.
func (h *Handler) show(w http.ResponseWriter, _ *http.Request, m managed) error {
	answer, err := h.answer(&m.Client, "", m.token, m.CreatedAt)
	if err == nil {
		wire.WriteJSON(w, http.StatusOK, answer)
	}
	return err
}

// change answers PUT. What the request leaves out keeps its value, as RFC
// 7592 §2.2 allows: a client that writes back what it has read, with a member missing,
// must not lose a setting that protects it.
func (h *Handler) change(w http.ResponseWriter, r *http.Request, m managed) error {
	said, err := readMetadata(w, r)
	if err != nil {
		return err
	}
	if !says(said, "client_id", func(id string) bool { return id == m.ID }) {
		return misfit("client_id", "want the id of this registration")
	}
	if _, ok := said["client_secret"]; ok && !says(said, "client_secret", m.SecretMatches) {
		return misfit("client_secret", "want the one in use, or nothing: secrets are made here")
	}
	c := m.Client
	clear, err := h.applyMetadata(r.Context(), &c, said)
	if err != nil {
		return err
	}
	if err := h.Clients.Replace(r.Context(), c); err != nil {
		return err
	}
	if err := h.Audit.Record(r.Context(), audit.Event{Action: "client.changed", Actor: "client", Client: c.ID}); err != nil {
		return err
	}
	answer, err := h.answer(&c, clear, m.token, m.CreatedAt)
	if err == nil {
		wire.WriteJSON(w, http.StatusOK, answer)
	}
	return err
}

// end answers DELETE: the client's grants and tokens end with it.
func (h *Handler) end(w http.ResponseWriter, r *http.Request, m managed) error {
	if err := h.Clients.Remove(r.Context(), m.ID); err != nil {
		return err
	}
	if err := h.Audit.Record(r.Context(), audit.Event{Action: "client.removed", Actor: "client", Client: m.ID}); err != nil {
		return err
	}
	h.Count("client_removed")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// says tells whether the member is a text that is good.
func says(said map[string]json.RawMessage, name string, good func(string) bool) bool {
	var text string
	return json.Unmarshal(said[name], &text) == nil && good(text)
}
