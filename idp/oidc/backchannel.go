package oidc

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
	"tegata/idp/connections"
	"tegata/idp/oidc/jws"
	"tegata/idp/sessions"
	"tegata/shared/clock"
	"tegata/shared/fault"
	"tegata/shared/fetch"
	"tegata/shared/outbox"
	"tegata/shared/secret"
)

// BackchannelKind is the outbox's kind of back-channel logout.
const BackchannelKind = "backchannel_logout"

const (
	// logoutTokenLives is as short as Back-Channel Logout §2.4 asks for.
	logoutTokenLives = 2 * time.Minute
	// logoutFor bounds one call to a client.
	logoutFor = 5 * time.Second
	// logoutEvent is the one event of a logout token.
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
)

// Farewells tells clients that a session ended: the ones with a back-channel address
// by the outbox, the ones with a front-channel address by the person's browser. All
// fields are needed.
type Farewells struct {
	Issuer      string
	Clients     *clients.Registry
	Connections *connections.Service
	Outbox      *outbox.Outbox
	Signer      *jws.Signer
	Clock       clock.Clock
	Outbound    *http.Client // LogoutClient
}

// LogoutClient is fetch.Client with the time that a logout may take.
func LogoutClient(loopback bool) *http.Client {
	c := fetch.Client(loopback)
	c.Timeout = logoutFor
	c.Transport.(*http.Transport).ResponseHeaderTimeout = logoutFor
	return c
}

// farewellNote is what has to be told to one client; it waits in the outbox.
type farewellNote struct {
	Client  string    `json:"client"`
	Subject string    `json:"sub"`
	SID     string    `json:"sid"`
	Until   time.Time `json:"until"` // the session would be over by then anyway
}

// Queue puts a message for each client of the session that wants one into the outbox.
// It is sessions.Service.Ended and joins its transaction, so that no session ends
// without its messages.
func (f *Farewells) Queue(ctx context.Context, one sessions.Session) error {
	if !f.Clock().Before(one.ExpiresAt) {
		return nil // it was over, and clients know when by the ID token
	}
	members, err := f.members(ctx, one.ID)
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.client.BackchannelLogoutURI == "" {
			continue
		}
		if err := f.put(ctx, farewellNote{m.client.ID, m.subject, one.ID, one.ExpiresAt}); err != nil {
			return err
		}
	}
	return nil
}

// Withdrawn is Queue for one client and one session: the person took back what the
// client is allowed. It is connections.Service.Withdrawn and joins its transaction.
func (f *Farewells) Withdrawn(ctx context.Context, one connections.Visit) error {
	client, err := f.Clients.ByID(ctx, one.ClientID)
	if fault.Is(err, fault.NotFound) || err == nil && client.BackchannelLogoutURI == "" {
		return nil
	}
	if err != nil {
		return err
	}
	return f.put(ctx, farewellNote{one.ClientID, one.Subject, one.SessionID, one.ExpiresAt})
}

func (f *Farewells) put(ctx context.Context, note farewellNote) error {
	_, err := f.Outbox.Put(ctx, BackchannelKind, note.Client, note)
	return err
}

// Told gives the clients that Queue would tell of the end of a session.
func (f *Farewells) Told(ctx context.Context, sid string) (ids []string, err error) {
	members, err := f.members(ctx, sid)
	for _, m := range members {
		if m.client.BackchannelLogoutURI != "" {
			ids = append(ids, m.client.ID)
		}
	}
	return ids, err
}

// member is a client that a session has let in.
type member struct {
	client  clients.Client
	subject string
}

func (f *Farewells) members(ctx context.Context, sid string) ([]member, error) {
	all, err := f.Connections.OfSession(ctx, sid)
	if err != nil {
		return nil, err
	}
	var members []member
	for _, m := range all {
		client, err := f.Clients.ByID(ctx, m.ClientID)
		if fault.Is(err, fault.NotFound) {
			continue // disabled since
		}
		if err != nil {
			return nil, err
		}
		members = append(members, member{client, m.Subject})
	}
	return members, nil
}

// Send is the outbox's sender: it signs a fresh logout token and posts it. A client
// that does not say 200 hears of it again, until the session's time is over.
func (f *Farewells) Send(ctx context.Context, m outbox.Message) error {
	var note farewellNote
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
func (f *Farewells) token(ctx context.Context, client clients.Client, note farewellNote) (string, error) {
	now := f.Clock()
	claims, err := json.Marshal(map[string]any{
		"iss": f.Issuer, "aud": client.ID, "iat": now.Unix(), "exp": now.Add(logoutTokenLives).Unix(), "jti": secret.Text(),
		"events": map[string]any{logoutEvent: struct{}{}}, "sub": note.Subject, "sid": note.SID,
	})
	if err != nil {
		return "", err
	}
	return f.Signer.Sign(ctx, client.IDTokenAlg, "logout+jwt", claims)
}

// post sends the token. Back-Channel Logout §2.5; 204 is what some frameworks make of
// an empty 200 (§2.8).
func (f *Farewells) post(ctx context.Context, to, token string) error {
	ctx, cancel := context.WithTimeout(ctx, logoutFor)
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

// Frames gives the log-out pages of the clients of a session, in their order, for the
// browser that is about to end it. OIDC Front-Channel Logout §3.
func (f *Farewells) Frames(ctx context.Context, sid, language string) ([]clients.Frame, error) {
	members, err := f.members(ctx, sid)
	if err != nil {
		return nil, err
	}
	var frames []clients.Frame
	for _, m := range members {
		u, err := url.Parse(m.client.FrontchannelLogoutURI)
		if err != nil || u.Host == "" {
			continue
		}
		q := u.Query()
		q.Set("iss", f.Issuer)
		q.Set("sid", sid)
		u.RawQuery = q.Encode()
		frames = append(frames, clients.Frame{Client: m.client.NameIn(language), Address: u.String()})
	}
	return frames, nil
}
