package oidc

import (
	"context"
	"net/http"
	"slices"
	"time"

	"tegata/idp/oidc/checksession"
	"tegata/idp/oidc/metadata"
	"tegata/idp/oidc/wire"
	"tegata/shared/serve"
)

// KeysFor is how long relying parties may keep the key set. Promotion of a key waits
// for it.
const KeysFor = time.Minute

// metadata answers both well-known URLs with the same document.
func (p *Provider) metadata(w http.ResponseWriter, r *http.Request) {
	p.Count("discovery")
	publish(p.document, w, r)
}

// jwks answers /oauth2/jwks. Relying parties may keep it for a short while only, so
// that a new key is known everywhere before it signs.
func (p *Provider) jwks(w http.ResponseWriter, r *http.Request) {
	p.Count("jwks")
	reader := ""
	if r.URL.RawQuery != "" {
		reader = r.URL.Query().Get("client_id")
	}
	text, etag := p.Keys.JWKS()
	if r.Method != http.MethodHead { // which hands out nothing
		p.Keys.Fetched(r.Context(), etag, reader)
	}
	set := p.keySet.Load()
	if set == nil || set.ETag() != etag {
		set = serve.NewDocument(text, wire.TypeJSON, etag, KeysFor)
		p.keySet.Store(set)
	}
	publish(set, w, r)
}

// publish answers with a document. Programs ask for these all day long, so that the
// metrics count them and the log does not.
func publish(d *serve.Document, w http.ResponseWriter, r *http.Request) {
	serve.Quiet(r.Context())
	d.ServeHTTP(w, r)
}

// describe gives what discovery answers.
func (p *Provider) describe() *serve.Document {
	facts := metadata.Facts{
		Issuer: p.Issuer, MTLS: p.MTLS, AuthMethods: p.setting().AuthMethods(), ResponseTypes: p.kinds, ACRs: acrs, Prompts: prompts, DetailTypes: p.detailTypes(),
		Endpoints: metadata.Endpoints{
			Authorize: pathAuthorize, Token: pathToken, Pushed: pathPushed, Device: pathDevice,
			Userinfo: pathUserinfo, Introspect: pathIntrospect, Revoke: pathRevoke,
			Keys: pathKeys, Logout: pathLogout, CheckSession: checksession.Path,
		},
	}
	if p.Registration.Registers() {
		facts.Endpoints.Register = pathRegister
	}
	return facts.Document()
}

// detailTypes is every type of authorization details that a resource has registered
// when the program starts.
func (p *Provider) detailTypes() (types []string) {
	all, err := p.Clients.Resources(context.Background())
	if err != nil {
		p.Log.Error("the resources could not be read for the metadata", "error", err.Error())
	}
	for _, r := range all {
		types = append(types, r.DetailTypes...)
	}
	slices.Sort(types)
	return slices.Compact(types)
}
