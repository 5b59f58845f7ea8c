package web

import (
	"net/http"
	"time"

	"tegata/idp/devices"
	"tegata/idp/interaction"
	"tegata/idp/sessions"
	"tegata/shared/fault"
	"tegata/shared/page"
)

// deviceConfirmData shows what a device wants, so that somebody who was lured here
// notices: which software, asked from where, and when.
type deviceConfirmData struct {
	Request string
	Shown   string // the account, as sameAccount wants it back
	Client  string
	About   aboutClient
	Email   string
	Place   string // the address that the device asked from, "" when it is not known
	Asked   time.Time
	Zone    string
	Scopes  []string // in words
	Details []detail
}

// showDeviceConfirm shows /device/confirm to the browser that typed the code, once
// its person has logged in.
func (p *Pages) showDeviceConfirm(w http.ResponseWriter, r *http.Request) error {
	return p.deviceOf(w, r, r.URL.Query().Get("request"), func(d devices.Device) error {
		return p.showDeviceOf(w, r, d, nil)
	})
}

// confirmDevice takes decision=allow or decision=deny.
func (p *Pages) confirmDevice(w http.ResponseWriter, r *http.Request) error {
	return p.deviceOf(w, r, r.PostForm.Get("request"), func(d devices.Device) error {
		if page.Switched(r) {
			return p.showDeviceOf(w, r, d, nil)
		}
		if err := p.sameAccount(r, d.ID); err != nil {
			return p.showDeviceOf(w, r, d, err)
		}
		decision := r.PostForm.Get("decision")
		if decision != "allow" && decision != "deny" {
			return p.showDeviceOf(w, r, d, fault.New(fault.Invalid, "", "consent.choose"))
		}
		err := p.Devices.Decide(r.Context(), d.ID, p.browser(w, r), signedIn(r), decision == "allow")
		if fault.Is(err, fault.Conflict) {
			return p.showDeviceOver(w, r)
		}
		if err != nil {
			return err
		}
		if decision == "deny" {
			return p.Page.See(w, r, "/device/denied")
		}
		return p.Page.See(w, r, "/device/done")
	})
}

// deviceOf finds the device of a request for this browser, and lets act go on with it
// when nothing is left to ask of the person.
func (p *Pages) deviceOf(w http.ResponseWriter, r *http.Request, id string, act func(devices.Device) error) error {
	d, err := p.Devices.Load(r.Context(), id, p.Cookies.Read(r, sessions.BrowserCookieName))
	if fault.Is(err, fault.NotFound) {
		return p.showDeviceOver(w, r)
	}
	if err != nil {
		return err
	}
	next, err := p.Interaction.StepFor(r.Context(), interaction.Asked{})
	if err != nil {
		return err
	}
	if next != interaction.Done {
		return p.logInFor(w, r, deviceConfirm+d.ID)
	}
	return act(d)
}

// showDeviceOver tells that there is nothing to approve, and why that may be.
func (p *Pages) showDeviceOver(w http.ResponseWriter, r *http.Request) error {
	return p.Page.Show(w, r, page.Page{Template: "device_over", Title: "device.over_title", Status: http.StatusGone})
}

// showDeviceEnd tells how it went on; the person goes back to the device.
func (p *Pages) showDeviceEnd(title, text string) action {
	return func(w http.ResponseWriter, r *http.Request) error {
		return p.Page.Show(w, r, page.Page{Template: "device_done", Title: title, Data: text})
	}
}

func (p *Pages) showDeviceOf(w http.ResponseWriter, r *http.Request, d devices.Device, problem error) error {
	account, err := p.Accounts.ByID(r.Context(), signedIn(r).AccountID)
	if err != nil {
		return err
	}
	client, err := p.Clients.ByID(r.Context(), d.ClientID)
	if fault.Is(err, fault.NotFound) {
		return p.showDeviceOver(w, r)
	}
	if err != nil {
		return err
	}
	resources := p.resourcesOf(r.Context(), d.ClientID)
	return p.Page.Show(w, r, page.Page{Template: "device_confirm", Title: "device.confirm_title", Problem: problem, Data: deviceConfirmData{
		Request: d.ID, Shown: p.shown(d.ID, account.ID), Client: client.NameIn(page.Language(r)), About: about(client), Email: account.Email,
		Place: d.Place, Asked: d.CreatedAt, Zone: account.Zone,
		Scopes: p.inWords(page.Language(r), d.Scopes, resources), Details: p.detailsIn(page.Language(r), string(d.Details), resources),
	}})
}
