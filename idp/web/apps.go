package web

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"tegata/idp/clients"
	"tegata/idp/connections"
	"tegata/shared/fault"
	"tegata/shared/locale"
	"tegata/shared/page"
)

// appsData lists what somebody has connected.
type appsData struct {
	Apps  []connected
	Done  bool   // one was ended just now
	Ended string // its name; "" when nobody knows it any more
}

// connected is a client that the person uses.
type connected struct {
	ID, Name    string
	Scopes      []string // in words
	First, Last string
	Ours        bool
	Host        string // of an unverified client
}

// showApps shows /profile/apps; strangers log in first.
func (p *Pages) showApps(w http.ResponseWriter, r *http.Request) error {
	return p.appsPage(w, r, nil)
}

// appsPage shows the list, and what was refused, if anything was.
func (p *Pages) appsPage(w http.ResponseWriter, r *http.Request, problem error) error {
	session := signedIn(r)
	if session == nil {
		return p.Page.See(w, r, "/login")
	}
	account, err := p.Accounts.ByID(r.Context(), session.AccountID)
	if err != nil {
		return err
	}
	all, err := p.Connections.OfAccount(r.Context(), account.ID)
	if err != nil {
		return err
	}
	lang := page.Language(r)
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return locale.DateTime(lang, t, account.Location())
	}
	data := appsData{}
	if err := p.ended(r, account.ID, lang, &data); err != nil {
		return err
	}
	for _, c := range all {
		if c.ClientID == r.URL.Query().Get("ended") {
			data.Done = false // it was allowed again
		}
		app, err := p.connected(r, lang, c)
		if err != nil {
			return err
		}
		app.First, app.Last = at(c.FirstAt), at(c.LastAt)
		data.Apps = append(data.Apps, app)
	}
	return p.Page.Show(w, r, page.Page{Template: "apps", Title: "apps.title", Wide: true, Problem: problem, Data: data})
}

// ended tells of the client in the link, where the person did end its access: anybody can
// make a link up.
func (p *Pages) ended(r *http.Request, accountID, lang string, data *appsData) (err error) {
	id := r.URL.Query().Get("ended")
	data.Done, err = p.Connections.Ended(r.Context(), accountID, id)
	if fault.Is(err, fault.Invalid) {
		return nil // what a database does not take as a text is no client
	}
	if err != nil || !data.Done {
		return err
	}
	if client, err := p.known(r.Context(), id); err == nil {
		data.Ended = client.NameIn(lang)
	}
	return nil
}

func (p *Pages) connected(r *http.Request, lang string, c connections.Connection) (connected, error) {
	client, err := p.known(r.Context(), c.ClientID)
	if fault.Is(err, fault.NotFound) {
		client, err = &clients.Client{ID: c.ClientID}, nil
	}
	if err != nil {
		return connected{}, err
	}
	app := connected{ID: c.ClientID, Name: client.NameIn(lang), Scopes: p.inWords(lang, c.Scopes, p.resourcesOf(r.Context(), c.ClientID)), Ours: client.FirstParty}
	if client.Unverified {
		app.Host = client.Return()
	}
	return app, nil
}

// known gives a client, to be read only, from memory where it is there; one that is switched
// off too, since its access can still be ended.
func (p *Pages) known(ctx context.Context, id string) (*clients.Client, error) {
	client, err := p.Clients.ByID(ctx, id)
	if !fault.Is(err, fault.NotFound) {
		return client, err
	}
	off, err := p.Clients.Find(ctx, id)
	return &off, err
}

// endApp ends a connection: consent, grants and tokens. Where there is none (no such
// client, none named, or the button was pressed twice) nothing ends, and the list says so.
func (p *Pages) endApp(w http.ResponseWriter, r *http.Request) error {
	session := signedIn(r)
	if session == nil {
		return p.Page.See(w, r, "/login")
	}
	client := r.PostForm.Get("client")
	err := p.Connections.Withdraw(r.Context(), session.AccountID, session.AccountID, client)
	switch fault.KindOf(err) {
	case fault.NotFound, fault.Invalid: // what a database does not take as a text is no client either
		return p.appsPage(w, r, fault.Wrap(fault.NotFound, "apps.unknown", err))
	}
	if err != nil {
		return err
	}
	return p.Page.See(w, r, "/profile/apps?ended="+url.QueryEscape(client))
}
