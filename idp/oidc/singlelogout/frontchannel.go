package singlelogout

import (
	"context"
	"net/url"

	"tegata/idp/clients"
)

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
