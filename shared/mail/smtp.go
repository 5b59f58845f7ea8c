package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	gomail "github.com/wneessen/go-mail"

	"tegata/shared/clock"
)

// TLS says how the way to the mail server is protected.
type TLS string

// The policies. STARTTLS and Implicit refuse to send in the clear.
const (
	STARTTLS      TLS = "starttls"      // required; port 587
	Implicit      TLS = "implicit"      // from the first byte; port 465
	Opportunistic TLS = "opportunistic" // if the server offers it; for relays in one's own house
	Plain         TLS = "plain"         // never; for a relay on the same machine
)

// SMTP sends through a mail server. Its methods may be called from many goroutines.
type SMTP struct {
	Host               string
	Port               int // 0 means the usual one of the policy
	Username, Password string
	TLS                TLS
	From, FromName     string
	Timeout            time.Duration // of a whole delivery; 0 means 30 s
	TLSConfig          *tls.Config   // nil means the system's roots and Host
	Clock              clock.Clock   // nil means the system's
}

// errRefused marks what no second try mends.
var errRefused = errors.New("refused for good")

// Refused tells whether the server said no for good (5xx), so that sending the same
// message again is pointless.
func Refused(err error) bool { return errors.Is(err, errRefused) }

// Check tells whether the settings can work, without calling the server.
func (s SMTP) Check() error {
	_, err := s.client()
	if err == nil {
		_, err = Address(s.From)
	}
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	return nil
}

// Send delivers m to the server. A connection serves one message: mail is rare here,
// and a server that closes idle connections cannot hurt.
func (s SMTP) Send(ctx context.Context, m Message) error {
	now := s.Clock
	if now == nil {
		now = clock.System
	}
	msg, err := m.compose(sender{s.FromName, s.From}, now())
	if err != nil {
		return fmt.Errorf("%w: %w", err, errRefused)
	}
	client, err := s.client()
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout())
	defer cancel()
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		return told(err)
	}
	return nil
}

// told adds whether the server refused for good.
func told(err error) error {
	var refusal *gomail.SendError
	if errors.As(err, &refusal) && !refusal.IsTemp() && refusal.ErrorCode() >= 500 {
		return fmt.Errorf("mail: %w: %w", err, errRefused)
	}
	return fmt.Errorf("mail: %w", err)
}

func (s SMTP) timeout() time.Duration {
	if s.Timeout > 0 {
		return s.Timeout
	}
	return 30 * time.Second
}

func (s SMTP) client() (*gomail.Client, error) {
	options := []gomail.Option{gomail.WithTimeout(s.timeout())}
	switch s.TLS {
	case STARTTLS:
		options = append(options, gomail.WithTLSPortPolicy(gomail.TLSMandatory))
	case Implicit:
		options = append(options, gomail.WithSSLPort(false))
	case Opportunistic:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	case Plain:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		return nil, fmt.Errorf("tls: %q is none of starttls, implicit, opportunistic, plain", s.TLS)
	}
	if s.Port != 0 {
		options = append(options, gomail.WithPort(s.Port))
	}
	if s.TLSConfig != nil {
		options = append(options, gomail.WithTLSConfig(s.TLSConfig))
	}
	if s.Username != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(s.Username), gomail.WithPassword(s.Password))
	}
	return gomail.NewClient(s.Host, options...)
}
