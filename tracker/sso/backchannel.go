package sso

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"tegata/shared/fault"
	"tegata/shared/once"
	"tegata/shared/serve"
)

const (
	// logoutEvent is the one event of a logout token.
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
	// logoutTokens is the purpose under which ids of logout tokens are remembered.
	logoutTokens once.Purpose = "logout_token"
	// maxLogoutToken bounds a token before anything is decoded.
	maxLogoutToken = 8 << 10
)

// logoutToken is what the provider says about a session's end. OIDC Back-Channel
// Logout §2.4.
type logoutToken struct {
	jwt.Claims
	SID    string                     `json:"sid"`
	Nonce  json.RawMessage            `json:"nonce"`
	Events map[string]json.RawMessage `json:"events"`
}

// backchannelLogout ends the sessions that the provider says are over. It answers 400
// to whatever is wrong, without a word about what; the log has it.
func (h Handlers) backchannelLogout(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store") // Back-Channel Logout §2.8
	var err error
	if r.ParseForm() != nil || len(r.PostForm["logout_token"]) != 1 {
		err = badToken("want one logout_token in a form")
	} else {
		err = h.Service.EndByProvider(r.Context(), r.PostForm.Get("logout_token"))
	}
	status := http.StatusOK
	switch {
	case err == nil:
	case fault.Is(err, fault.Busy):
		status = http.StatusServiceUnavailable // the provider tries again
	case fault.KindOf(err) == fault.Internal && !errors.Is(err, errLogoutToken):
		status = http.StatusInternalServerError
	default:
		status = http.StatusBadRequest
	}
	if err != nil {
		h.Log.WarnContext(r.Context(), "a back-channel logout was refused", "cause", err, "request_id", serve.RequestID(r.Context()))
	}
	w.WriteHeader(status)
}

// errLogoutToken marks a token that is not to be believed.
var errLogoutToken = errors.New("logout token refused")

func badToken(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errLogoutToken, fmt.Sprintf(format, args...))
}

// EndByProvider ends the sessions that a logout token names: those of its sid, or all
// of its subject. The same token counts once. It gives an error that is
// errLogoutToken's when the token must not be believed, fault.Busy when the keys of
// the provider cannot be had.
func (s *Service) EndByProvider(ctx context.Context, raw string) error {
	token, err := s.readLogoutToken(ctx, raw)
	if err != nil {
		return err
	}
	now := s.Clock()
	return s.DB.Tx(ctx, func(ctx context.Context) error {
		err := s.Tickets.Seen(ctx, logoutTokens, token.ID, token.Expiry.Time().Add(skew), now)
		if fault.Is(err, fault.Conflict) {
			return badToken("its jti came before")
		}
		if err != nil {
			return err
		}
		if token.SID != "" {
			if err := s.store().keepEnded(ctx, s.Provider.Issuer, token.SID, now); err != nil {
				return err
			}
		}
		ended, err := s.store().endOf(ctx, s.Provider.Issuer, token.SID, token.Subject, now)
		if err != nil {
			return err
		}
		for _, n := range ended {
			if err := s.recordBy(ctx, "provider", "session.ended_by_provider", n); err != nil {
				return err
			}
		}
		return nil
	})
}

// readLogoutToken checks a logout token: a line per rule of Back-Channel Logout §2.6.
func (s *Service) readLogoutToken(ctx context.Context, raw string) (logoutToken, error) {
	var token logoutToken
	if raw == "" || len(raw) > maxLogoutToken {
		return token, badToken("it is missing or too long")
	}
	signed, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{idTokenAlg})
	if err != nil {
		return token, badToken("it is no JWT signed with %s", idTokenAlg)
	}
	if typ, _ := signed.Signatures[0].Protected.ExtraHeaders[jose.HeaderType].(string); typ != "logout+jwt" {
		return token, badToken("its typ is %q", printable(typ))
	}
	c, err := s.Provider.connect(ctx)
	if err != nil {
		return token, err
	}
	payload, err := c.keys.VerifySignature(ctx, signed)
	if err != nil {
		return token, badToken("signature: %s", printable(err.Error()))
	}
	if err := json.Unmarshal(payload, &token); err != nil {
		return token, badToken("its claims cannot be read")
	}
	return token, token.check(s.Provider.Issuer, s.Provider.ClientID, s.Clock())
}

func (t logoutToken) check(issuer, client string, now time.Time) error {
	event, isLogout := t.Events[logoutEvent]
	var members map[string]json.RawMessage
	switch {
	case t.Issuer != issuer:
		return badToken("iss is %q", printable(t.Issuer))
	case len(t.Audience) != 1 || t.Audience[0] != client:
		return badToken("aud is not us alone")
	case t.IssuedAt == nil || t.IssuedAt.Time().After(now.Add(skew)):
		return badToken("iat is missing or in the future")
	case t.Expiry == nil || !now.Add(-skew).Before(t.Expiry.Time()):
		return badToken("exp is missing or past")
	case t.Expiry.Time().After(now.Add(time.Hour)):
		return badToken("exp is too far away")
	case t.ID == "" || len(t.ID) > 256:
		return badToken("jti is missing or too long")
	case len(t.Events) != 1 || !isLogout || json.Unmarshal(event, &members) != nil || members == nil:
		return badToken("events is not exactly a log-out")
	case len(t.Nonce) > 0:
		return badToken("it has a nonce")
	case t.Subject == "" && t.SID == "":
		return badToken("it names neither sub nor sid")
	}
	return nil
}
