package serve

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Document is an answer for programs that is the same for everybody and changes seldom:
// its bytes and its headers are made once. A long one is also kept gzipped, for those who
// take it. It carries no header that is about one request, as caches keep it, and at most
// eight (nine over https): with more of them net/http's two maps of headers become bigger
// ones, which costs more than finding the document.
type Document struct {
	plain, small  body // small is empty where gzip does not pay
	kind, caching []string
}

// body is one representation of a document. What is in it are header values.
type body struct {
	text         []byte
	etag, length []string
}

// oneWrite is how much net/http sends at once together with the headers. What is longer
// takes two calls of the system, which cost more than anything else about a document;
// what is shorter gains nothing from being gzipped.
const oneWrite = 3 << 10

// counted is from how many bytes on a body needs a Content-Length of ours: net/http counts
// shorter ones, unless only the head is sent.
const counted = 2 << 10

var (
	gzipped     = []string{"gzip"}
	byEncodings = []string{"Accept-Encoding"}
)

// NewDocument makes a document of text, which must not be changed any more, of the media
// type kind, with a strong entity tag in its quotes, that may be kept for so long.
func NewDocument(text []byte, kind, etag string, keep time.Duration) *Document {
	d := &Document{
		plain: newBody(text, etag), kind: []string{kind},
		caching: []string{"public, max-age=" + strconv.Itoa(int(keep/time.Second))},
	}
	if len(text) > oneWrite {
		var b bytes.Buffer
		z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is a valid one
		z.Write(text)
		z.Close()
		// Other bytes, another strong tag. RFC 9110 §8.8.3.3
		d.small = newBody(b.Bytes(), strings.TrimSuffix(etag, `"`)+`-gzip"`)
	}
	return d
}

func newBody(text []byte, etag string) body {
	return body{text, []string{etag}, []string{strconv.Itoa(len(text))}}
}

// ETag is the entity tag of the document as it is.
func (d *Document) ETag() string { return d.plain.etag[0] }

// ServeHTTP answers with the document, or says that the caller has it.
func (d *Document) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	Data(w)
	h, b := w.Header(), &d.plain
	Of(r.Context()).document = true
	h["Cache-Control"] = d.caching
	if d.small.text != nil {
		h["Vary"] = byEncodings
		if TakesGzip(r) {
			b = &d.small
		}
	}
	h["Etag"] = b.etag
	if Has(r, b.etag[0]) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if b == &d.small {
		h["Content-Encoding"] = gzipped
	}
	h["Content-Type"] = d.kind
	if len(b.text) >= counted || r.Method == http.MethodHead {
		h["Content-Length"] = b.length
	}
	w.Write(b.text)
}
