package oidc

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"tegata/shared/serve"
)

// KeysFor is how long relying parties may keep the key set. Promotion of a key waits
// for it.
const KeysFor = time.Minute

// document is an answer that is the same for everybody and changes seldom: its bytes
// and its headers are made once.
type document struct {
	text                  []byte
	etag, caching, length []string // header values
}

func newDocument(text []byte, etag string, keep time.Duration) *document {
	return &document{
		text: text, etag: []string{etag},
		caching: []string{"public, max-age=" + strconv.Itoa(int(keep/time.Second))},
		length:  []string{strconv.Itoa(len(text))},
	}
}

// metadata answers both well-known URLs with the same document.
func (p *Provider) metadata(w http.ResponseWriter, r *http.Request) {
	p.Count("discovery")
	p.document.write(w, r)
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
	if set == nil || set.etag[0] != etag {
		set = newDocument(text, etag, KeysFor)
		p.keySet.Store(set)
	}
	set.write(w, r)
}

// write answers with the document, or says that the caller has it. Programs ask for
// these all day long, so that the metrics count them and the log does not.
func (d *document) write(w http.ResponseWriter, r *http.Request) {
	serve.Quiet(r.Context())
	serve.Data(w)
	h := w.Header()
	h["Cache-Control"], h["Etag"] = d.caching, d.etag
	if slices.Equal(r.Header["If-None-Match"], d.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h["Content-Type"], h["Content-Length"] = typeJSON, d.length
	w.Write(d.text)
}
