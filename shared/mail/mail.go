// Package mail writes to people and decides what an address is.
//
//	Address, Display  the one form of an address that is stored, compared and written to
//	Message           one mail: plain text, and HTML beside it
//	SMTP              sends messages through a mail server (smtp.go)
//	Refused           whether it is pointless to try again
//
// Nobody else builds headers or parses addresses.
package mail

import (
	"fmt"
	"net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// Message is one mail to one person.
type Message struct {
	ID      string // part of the Message-ID, so that a repeated delivery is recognised; may be ""
	To      string // canonical, as Address gives it
	Subject string
	Text    string
	HTML    string // may be ""
	Lang    string // "ja"
}

// sender is who a mail comes from.
type sender struct{ name, address string }

// compose makes a MIME message. Whatever could end a header line early is refused,
// although go-mail would encode it: such a message is a mistake of ours.
func (m Message) compose(from sender, now time.Time) (*gomail.Msg, error) {
	to, err := Address(m.To)
	if err != nil {
		return nil, fmt.Errorf("mail: to: %w", err)
	}
	for _, line := range []string{m.Subject, from.name, m.Lang, m.ID} {
		if strings.ContainsAny(line, "\r\n\x00") {
			return nil, fmt.Errorf("mail: a header would hold more than one line")
		}
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(&mail.Address{Name: from.name, Address: from.address})
	msg.ToMailAddress(&mail.Address{Address: to})
	msg.Subject(m.Subject)
	msg.SetDateWithValue(now)
	if m.ID != "" {
		_, host, _ := strings.Cut(from.address, "@")
		msg.SetMessageIDWithValue(m.ID + "@" + host)
	} else {
		msg.SetMessageID()
	}
	// RFC 3834 §5: nobody's vacation notice shall answer us.
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	if m.Lang != "" {
		msg.SetGenHeader("Content-Language", m.Lang)
	}
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	return msg, nil
}
