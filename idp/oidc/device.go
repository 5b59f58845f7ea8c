package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tegata/idp/clients"
	"tegata/idp/devices"
	"tegata/idp/oidc/grants"
	"tegata/idp/oidc/target"
	"tegata/idp/oidc/wire"
	"tegata/shared/fault"
	"tegata/shared/once"
)

// pageDevice is where people type the code of a device.
const pageDevice = "/device"

// deviceCodes is the answer of the device authorization endpoint. RFC 8628 §3.2.
type deviceCodes struct {
	DeviceCode string `json:"device_code"`
	UserCode   string `json:"user_code"`
	URI        string `json:"verification_uri"`
	Complete   string `json:"verification_uri_complete"` // with the code filled in, not sent
	ExpiresIn  int64  `json:"expires_in"`
	Interval   int64  `json:"interval"`
}

// deviceAuthorization answers POST /oauth2/device_authorization. RFC 8628 §3.1.
func (p *Provider) deviceAuthorization(ctx context.Context, w http.ResponseWriter, work *work) (func(), error) {
	answer, err := p.beginDevice(ctx, w, work)
	return func() { wire.WriteJSON(w, http.StatusOK, answer) }, err
}

func (p *Provider) beginDevice(ctx context.Context, w http.ResponseWriter, work *work) (deviceCodes, error) {
	asked, err := p.askedByDevice(ctx, w, work)
	if work.assertion != nil { // it counts as used, also when the request is refused
		if used := p.remember(ctx, work, p.Clock()); used != nil {
			return deviceCodes{}, used
		}
	}
	if err != nil {
		return deviceCodes{}, err
	}
	device, user, err := p.Devices.Begin(ctx, asked)
	if err != nil {
		return deviceCodes{}, err
	}
	page := p.Issuer + pageDevice
	return deviceCodes{
		DeviceCode: device, UserCode: user, URI: page, Complete: page + "?user_code=" + url.QueryEscape(user),
		ExpiresIn: int64(devices.LivesFor / time.Second), Interval: int64(devices.PollEvery / time.Second),
	}, nil
}

// askedByDevice reads what the device wants. Scopes that do not exist for the client
// are left out, and a request that has none left is refused, as at the authorization
// endpoint.
func (p *Provider) askedByDevice(ctx context.Context, w http.ResponseWriter, work *work) (devices.Asked, error) {
	form, err := p.readProven(ctx, w, work)
	if err != nil {
		return devices.Asked{}, err
	}
	work.form = form
	if !work.client.May(clients.DeviceCode) {
		return devices.Asked{}, wire.RefuseAs("unauthorized_client")
	}
	var scopes []string
	for _, scope := range strings.Fields(form.Get("scope")) {
		may := scope != "offline_access" || work.client.May(clients.RefreshToken)
		if slices.Contains(work.client.Scopes, scope) && !slices.Contains(scopes, scope) && may {
			scopes = append(scopes, scope)
		}
	}
	if form.Get("scope") != "" && len(scopes) == 0 {
		return devices.Asked{}, wire.RefuseAs("invalid_scope")
	}
	most, err := p.wish(ctx, work, scopes)
	if err == nil {
		err = p.targets.Reach(ctx, scopes, most.Resources)
	}
	if err != nil {
		return devices.Asked{}, err
	}
	asked := devices.Asked{
		ClientID: work.client.ID, Scopes: scopes, Resources: most.Resources, Offline: slices.Contains(scopes, "offline_access"),
	}
	if len(most.Details) > 0 {
		asked.Details, err = json.Marshal(most.Details)
	}
	return asked, err
}

// deviceCode is the grant type of a device that waits for a person. RFC 8628 §3.4.
func (p *Provider) deviceCode(ctx context.Context, w *work) (opened, error) {
	d, ticket, err := p.Devices.Poll(ctx, w.form.Get("device_code"), w.client.ID)
	if err != nil {
		return opened{}, deviceRefusal(err)
	}
	account, err := p.Accounts.ByID(ctx, d.AccountID)
	if err != nil {
		return opened{}, err
	}
	allowed := grants.Token{Client: d.ClientID, Scopes: d.Scopes, LogIn: grants.LogIn{AccountID: account.ID}}
	if err := p.still(ctx, w.client.Client, allowed); err != nil {
		return opened{}, err
	}
	subject, err := p.subject(ctx, w.client.Client, account.Identity())
	if err != nil {
		return opened{}, err
	}
	about := &session{LogIn: grants.LogIn{
		AccountID: account.ID, Subject: subject, SID: d.Login.SID, AuthTime: d.Login.AuthTime, ACR: d.Login.ACR, AMR: d.Login.AMR,
		Resources: d.Resources,
	}}
	if len(d.Details) > 0 {
		if err := json.Unmarshal(d.Details, &about.Details); err != nil {
			return opened{}, err
		}
	}
	aimed, err := p.targets.Aim(ctx, w.client.Client, url.Values{"resource": w.form["resource"]},
		target.Granted{Scopes: d.Scopes, Resources: d.Resources, Details: about.Details})
	if err != nil {
		return opened{}, err
	}
	return opened{
		about: about, target: &aimed, scopes: d.Scopes, grant: ticket.ID,
		offline: d.Offline, identity: slices.Contains(d.Scopes, "openid"),
		write: func(ctx context.Context, now time.Time) error {
			if err := p.spendDevice(ctx, ticket, now); err != nil {
				return err
			}
			return p.writeGrant(ctx, w, about, d.Login.At, now) // a ticket is older than when the person allowed it
		},
	}, nil
}

// spendDevice spends the device code that came.
func (p *Provider) spendDevice(ctx context.Context, ticket once.Ticket, now time.Time) error {
	_, err := p.Once.SpendGuessed(ctx, ticket, now)
	if fault.Is(err, fault.Conflict) {
		return errUsed
	}
	return err
}

// deviceRefusal is the protocol's word for what Poll says. RFC 8628 §3.5.
func deviceRefusal(err error) error {
	word := ""
	switch {
	case errors.Is(err, devices.ErrWaiting):
		word = "authorization_pending"
	case errors.Is(err, devices.ErrTooEarly):
		word = "slow_down"
	case fault.Is(err, fault.Denied):
		word = "access_denied"
	case fault.Is(err, fault.Expired):
		word = "expired_token"
	case fault.Is(err, fault.NotFound):
		return wire.Refuse("invalid_grant", "The device code is unknown, used, or another client's.")
	default:
		return err
	}
	return wire.RefuseAs(word)
}
