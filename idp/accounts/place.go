package accounts

import (
	"context"
	"net/netip"
	"time"

	"tegata/shared/audit"
	"tegata/shared/limit"
)

// Place is where a request came from, as limits count it: an address, of IPv6 the
// network, since a household has more addresses than there are tries.
func Place(ctx context.Context) string {
	text := audit.OriginOf(ctx).Place
	addr, err := netip.ParseAddr(text)
	if err != nil || !addr.Is6() || addr.Is4In6() {
		return text
	}
	network, err := addr.Prefix(64)
	if err != nil {
		return text
	}
	return network.String()
}

// takePlace counts an attempt for the place of ctx. Commands have no place.
func (s *Service) takePlace(ctx context.Context, r limit.Rule, now time.Time) error {
	where := Place(ctx)
	if where == "" {
		return nil
	}
	return s.Limit.Take(ctx, r, where, now)
}
