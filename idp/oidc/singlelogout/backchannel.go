package singlelogout

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tegata/idp/clients"
	"tegata/shared/fault"
	"tegata/shared/fetch"
	"tegata/shared/outbox"
	"tegata/shared/secret"
)

// Kind is the outbox's kind of back-channel logout; Farewells.Send is its sender.
const Kind = "backchannel_logout"

const (
	// tokenLives is as short as Back-Channel Logout §2.4 asks for.
	tokenLives = 2 * time.Minute
	// patience bounds one call to a client.
	patience = 5 * time.Second
	// event is the one event of a logout token.
	event = "http://schemas.openid.net/event/backchannel-logout"
)

// Client is fetch.Client with the time that a client may take to end its session: five
// seconds.
func Client(loopback bool) *http.Client {
	c := fetch.Client(loopback)
	c.Timeout = patience
	c.Transport.(*http.Transport).ResponseHeaderTimeout = patience
	return c
}

// message is what has to be told to one client; it waits in the outbox.
type message struct {
	Client  string    `json:"client"`
	Subject string    `json:"sub"`
	SID     string    `json:"sid"`
	Until   time.Time `json:"until"` // the session would be over by then anyway
}

func (f *Farewells) put(ctx context.Context, note message) error {
	_, err := f.Outbox.Put(ctx, Kind, note.Client, note)
	return err
}

// Send is the outbox's sender: it signs a fresh logout token and posts it. A client
// that does not say 200 hears of it again, until the session's time is over.
func (f *Farewells) Send(ctx context.Context, m outbox.Message) error {
	var note message
	if err := m.Read(&note); err != nil {
		return outbox.Refused(err)
	}
	if !f.Clock().Before(note.Until) {
		return outbox.Refused(fmt.Errorf("the session would have expired at %s", note.Until.Format(time.RFC3339)))
	}
	client, err := f.Clients.ByID(ctx, note.Client)
	if fault.Is(err, fault.NotFound) || err == nil && client.BackchannelLogoutURI == "" {
		return outbox.Refused(fmt.Errorf("client %s takes no back-channel logout any more", note.Client))
	}
	if err != nil {
		return err
	}
	token, err := f.token(ctx, client, note)
	if err != nil {
		return err
	}
	return f.post(ctx, client.BackchannelLogoutURI, token)
}

// token makes a logout token. OIDC Back-Channel Logout §2.4. It has an id of its own
// at each attempt: one that arrived and whose answer was lost must not spoil the next.
func (f *Farewells) token(ctx context.Context, client *clients.Client, note message) (string, error) {
	now := f.Clock()
	claims, err := json.Marshal(map[string]any{
		"iss": f.Issuer, "aud": client.ID, "iat": now.Unix(), "exp": now.Add(tokenLives).Unix(), "jti": secret.Text(),
		"events": map[string]any{event: struct{}{}}, "sub": note.Subject, "sid": note.SID,
	})
	if err != nil {
		return "", err
	}
	return f.Signer.SignUnique(ctx, client.SigningAlg(clients.LogoutTokens), "logout+jwt", claims)
}

// post sends the token. Back-Channel Logout §2.5; 204 is what some frameworks make of
// an empty 200 (§2.8).
func (f *Farewells) post(ctx context.Context, to, token string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	form := url.Values{"logout_token": {token}}.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(form))
	if err != nil {
		return outbox.Refused(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := f.Outbound.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	io.Copy(io.Discard, io.LimitReader(answer.Body, 4<<10)) // so that the connection can be used again
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusNoContent {
		return fmt.Errorf("the client answers %s", answer.Status)
	}
	return nil
}
