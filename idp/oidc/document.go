package oidc

import (
	"net/http"
	"time"

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
	p.Keys.Fetched(r.Context(), etag, reader)
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
