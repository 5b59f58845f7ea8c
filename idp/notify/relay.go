package notify

import (
	"context"

	"tegata/shared/mail"
	"tegata/shared/outbox"
)

// Relay is the Transport by SMTP. What the server refuses for good is not tried again.
func Relay(relay mail.SMTP) Transport {
	return func(ctx context.Context, l Letter) error {
		err := relay.Send(ctx, mail.Message{To: l.To, Subject: l.Subject, Text: l.Text, HTML: l.HTML, Lang: l.Language})
		if mail.Refused(err) {
			return outbox.Refused(err)
		}
		return err
	}
}
