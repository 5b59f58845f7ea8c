package oidc

import (
	"context"
	"net/http"

	"tegata/idp/oidc/grants"
	"tegata/idp/oidc/wire"
	"tegata/shared/fault"
)

// revoke answers POST /oauth2/revoke (RFC 7009). A refresh token takes its whole
// family along, an access token only itself. What is unknown is answered like what was
// revoked (§2.2); what is another client's stays, and the client hears so (§2.1).
func (p *Provider) revoke(ctx context.Context, w http.ResponseWriter, work *work) (func(), error) {
	return func() {
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusOK)
	}, p.revokeToken(ctx, w, work)
}

func (p *Provider) revokeToken(ctx context.Context, w http.ResponseWriter, work *work) error {
	form, err := p.readProven(ctx, w, work)
	if err != nil {
		return err
	}
	given := form.Get("token")
	if given == "" {
		return wire.Refuse("invalid_request", "The parameter token is missing.")
	}
	now, foreign := p.Clock(), false
	err = p.DB.Tx(ctx, func(ctx context.Context) error {
		foreign = false
		if err := p.remember(ctx, work, now); err != nil {
			return err
		}
		came, err := p.tokenBy(ctx, given)
		switch {
		case fault.Is(err, fault.NotFound):
			return nil
		case err != nil:
			return err
		}
		if foreign = came.Client != work.client.ID; foreign {
			return nil
		}
		if came.Kind == grants.Access {
			return p.grants.EndAccess(ctx, came.ID, came.ExpiresAt)
		}
		_, err = p.grants.End(ctx, came.Grant, now)
		return err
	})
	if err == nil && foreign {
		err = wire.Refuse("unauthorized_client", "The token was given to another client.")
	}
	return err
}
