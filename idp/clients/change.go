package clients

import (
	"context"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"time"

	"tegata/shared/audit"
	"tegata/shared/fault"
	"tegata/shared/secret"
)

// The sources of clients: what may change them.
const (
	SourceConfig = "config" // the file
	SourceCLI    = "cli"    // the command line
)

// NewSecret gives the client a secret and returns it, the only time it is seen. The
// one before works until then; a zero time ends it at once.
func (c *Client) NewSecret(oldUntil time.Time) string {
	text := secret.Text()
	digests := []string{hex.EncodeToString(secret.Digest(text))}
	c.OldSecretUntil = nil
	if len(c.SecretDigests) > 0 && !oldUntil.IsZero() {
		digests = append(digests, c.SecretDigests[0])
		c.OldSecretUntil = &oldUntil
	}
	c.SecretDigests = digests
	return text
}

// TwoSecrets tells whether two secrets of the client work, and until when the older one
// does; a zero time is without an end.
func (c *Client) TwoSecrets(now time.Time) (until time.Time, two bool) {
	switch {
	case len(c.SecretDigests) < 2:
		return time.Time{}, false
	case c.OldSecretUntil == nil:
		return time.Time{}, true
	}
	return *c.OldSecretUntil, now.Before(*c.OldSecretUntil)
}

// dropOldSecret takes the secret away whose time is over.
func (c *Client) dropOldSecret(now time.Time) {
	if c.OldSecretUntil != nil && !now.Before(*c.OldSecretUntil) && len(c.SecretDigests) > 1 {
		c.SecretDigests = c.SecretDigests[:1]
	}
}

// Editor changes the clients that are not of the file. All fields are needed.
type Editor struct {
	Registry *Registry
	Audit    audit.Log
	Actor    string // who: "cli"
}

// Find gives a client, disabled ones too; fault.NotFound when there is none.
func (e Editor) Find(ctx context.Context, id string) (Client, error) {
	return e.Registry.Find(ctx, id)
}

// Create registers a client. It gives fault.Conflict when there is one of that id.
func (e Editor) Create(ctx context.Context, c Client) error {
	return e.change(ctx, "client.created", c, nil, func(ctx context.Context, now time.Time) error {
		return e.Registry.Store.insert(ctx, c, now)
	})
}

// Update replaces the registration of a client as it was seen; fault.Conflict when
// somebody else changed it meanwhile.
func (e Editor) Update(ctx context.Context, seen, c Client, action string) error {
	if err := notOfFile(seen); err != nil {
		return err
	}
	return e.change(ctx, action, c, changed(seen, c), func(ctx context.Context, now time.Time) error {
		return e.Registry.Store.update(ctx, seen, c, now)
	})
}

// SetDisabled switches a client off or on. Its tokens do not work while it is off. It gives
// fault.Conflict, and writes nothing, when that is done already.
func (e Editor) SetDisabled(ctx context.Context, c Client, off bool) error {
	action := map[bool]string{true: "client.disabled", false: "client.enabled"}[off]
	return e.change(ctx, action, c, nil, func(ctx context.Context, now time.Time) error {
		switch done, err := e.Registry.Store.setDisabled(ctx, c.ID, off, now); {
		case err != nil:
			return err
		case !done:
			return fault.New(fault.Conflict, "", "client.switched")
		}
		return nil
	})
}

// Delete forgets a client with its grants, tokens, what people allowed it, and what is
// under way. A client that is made again under its id is another one.
func (e Editor) Delete(ctx context.Context, c Client) error {
	if err := notOfFile(c); err != nil {
		return err
	}
	return e.change(ctx, "client.deleted", c, nil, func(ctx context.Context, now time.Time) error {
		if err := e.Registry.Store.dropInteractions(ctx, c.ID); err != nil {
			return err
		}
		return e.Registry.Store.delete(ctx, c.ID, now)
	})
}

func (e Editor) change(ctx context.Context, action string, c Client, details map[string]string, do func(ctx context.Context, now time.Time) error) error {
	defer e.Registry.kept.Delete(c.ID)
	return e.Registry.Store.DB.Tx(ctx, func(ctx context.Context) error {
		if err := do(ctx, e.Registry.Clock()); err != nil {
			return err
		}
		return e.Audit.Record(ctx, audit.Event{Action: action, Actor: e.Actor, Client: c.ID, Details: details})
	})
}

func notOfFile(c Client) error {
	if c.Source == SourceConfig {
		return fault.New(fault.Denied, "", "client.of_file")
	}
	return nil
}

// changed names the members that differ, for the audit log.
func changed(a, b Client) map[string]string {
	var names []string
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for name, index := range members {
		if !reflect.DeepEqual(x.Field(index).Interface(), y.Field(index).Interface()) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return map[string]string{"changed": fmt.Sprint(names)}
}
