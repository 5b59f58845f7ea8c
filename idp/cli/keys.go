package cli

import (
	"context"

	"tegata/idp/app"
	"tegata/keys"
	keyverbs "tegata/keys/verbs"
)

// keys gives the verbs of the key ring.
func (p program) keys() keyverbs.Keys {
	return keyverbs.Keys{Std: p.Std, Name: p.Name, Open: p.ring, Served: p.Fetch("/oauth2/jwks"), Again: again}
}

// again is what a restored backup undoes besides what keys recover ends.
var again = []keyverbs.Again{
	{What: "client secrets that were rotated are good again", Run: "idp client rotate-secret CLIENT"},
	{What: "clients that were disabled work again", Run: "idp client disable CLIENT"},
	{What: "clients that were deleted are there again", Run: "idp client delete CLIENT"},
	{What: "registrations that were changed are as before", Run: "idp client update CLIENT"},
	{What: "invitations that were revoked admit again", Run: "idp client revoke-invitation ID"},
	{What: "consents that were withdrawn hold again", Run: "idp account withdraw ACCOUNT CLIENT"},
	{What: "passwords are those of the backup; tell whoever has another one since", Run: ""},
	{What: "messages that had been sent may be sent again", Run: "idp outbox list"},
}

func (p program) ring(ctx context.Context, do func(*keys.Ring) error) error {
	return p.Services(ctx, func(s *app.Services) error { return do(s.Keys) })
}
