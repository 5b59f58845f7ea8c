package app

import (
	"context"
	"time"

	"tegata/keys"
)

// harm is what depends on the tracker's keys. They sign only that it is itself, for a
// minute at a time, so nothing does; but a restored backup brings sessions back.
type harm struct{ *Services }

// Count gives nothing.
func (h harm) Count(context.Context, string, time.Time, time.Time) (keys.Damage, error) {
	return keys.Damage{}, nil
}

// End ends nothing.
func (h harm) End(context.Context, string, time.Time, time.Time) (keys.Damage, error) {
	return keys.Damage{}, nil
}

// EndAll ends every session and every log-in under way.
func (h harm) EndAll(ctx context.Context) (d keys.Damage, err error) {
	n, err := h.endEverything(ctx, h.Clock())
	d.Sessions = int(n)
	return d, err
}
