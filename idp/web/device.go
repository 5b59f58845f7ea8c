package web

import (
	"net/http"
	"net/url"

	"tegata/idp/interaction"
	"tegata/shared/fault"
	"tegata/shared/page"
)

// deviceData is the field for the code that a device shows (RFC 8628 §3.3).
type deviceData struct{ Code string }

// showDevice shows the form at /device. A code in the address is only filled in: the
// person still has to look at it and send it, so that a link cannot do that (RFC 8628
// §3.3.1, §5.4).
func (p *Pages) showDevice(w http.ResponseWriter, r *http.Request) error {
	code := r.URL.Query().Get("user_code")
	if len(code) > 16 {
		code = ""
	}
	return p.Page.Show(w, r, devicePage(code, nil))
}

// typeDevice takes the code; the row it stands for belongs to this browser from then on.
func (p *Pages) typeDevice(w http.ResponseWriter, r *http.Request) error {
	code := r.PostForm.Get("user_code")
	if page.Switched(r) {
		return p.Page.Show(w, r, devicePage(code, nil))
	}
	d, err := p.Devices.Claim(r.Context(), p.browser(w, r), code)
	switch fault.KindOf(err) {
	case fault.Invalid, fault.TooMany:
		return p.Page.Show(w, r, devicePage(code, err))
	}
	if err != nil {
		return err
	}
	return p.Page.See(w, r, deviceConfirm+url.QueryEscape(d.ID))
}

func devicePage(code string, problem error) page.Page {
	return page.Page{Template: "device", Title: "device.title", Problem: problem, Data: deviceData{Code: code}}
}

// deviceConfirm is where a device is approved; the id of its row follows.
const deviceConfirm = "/device/confirm?request="

// logInFor starts a log-in that comes back to one of our own pages.
func (p *Pages) logInFor(w http.ResponseWriter, r *http.Request, target string) error {
	it, err := p.Interaction.Begin(r.Context(), p.browser(w, r), interaction.Asked{Target: target})
	if err != nil {
		return err
	}
	return p.Page.See(w, r, within("/login", it.ID))
}
