package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"

	"tegata/shared/serve"
)

// logoName is the URL name of the brand's logo, also the icon of the browser's tab.
const logoName = "logo.svg"

// static serves files from memory under a name that changes with their content.
type static struct {
	files  map[string]*file // by NAME
	styles []string         // URLs of the program's stylesheets
}

type file struct {
	hash, kind   string
	plain, small []byte // small is gzipped, nil where that does not pay
}

// kinds are fixed here: the machine's own table must not decide what a script is.
var kinds = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon", ".txt": "text/plain; charset=utf-8",
	".webmanifest": "application/manifest+json",
}

func newStatic(brand Brand, folders ...fs.FS) (*static, error) {
	s := &static{files: map[string]*file{}}
	for i, folder := range folders {
		err := fs.WalkDir(folder, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || kinds[path.Ext(name)] == "" {
				return err
			}
			raw, err := fs.ReadFile(folder, name)
			if err != nil {
				return err
			}
			if name == "page.css" {
				raw = append(raw, accentCSS(brand.Accent)...)
			}
			s.add(name, raw)
			if i > 0 && path.Ext(name) == ".css" {
				url, _ := s.url(name)
				s.styles = append(s.styles, url)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	s.add(logoName, brand.logo)
	return s, nil
}

// accentCSS puts the brand's colour over the stylesheet's own.
func accentCSS(a Accent) string {
	return fmt.Sprintf("@layer brand{:root{--accent:%s}@media screen and (prefers-color-scheme:dark){:root{--accent:%s}}}\n", a.Light, a.Dark)
}

// Asset gives the URL of a static file, for answers that are no page of the set.
func (s *Set) Asset(name string) (string, error) { return s.static.url(name) }

func (s *static) add(name string, raw []byte) {
	sum := sha256.Sum256(raw)
	f := &file{hash: hex.EncodeToString(sum[:6]), kind: kinds[path.Ext(name)], plain: raw}
	if !strings.HasPrefix(f.kind, "image/p") {
		var b bytes.Buffer
		z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is a valid one
		z.Write(raw)
		z.Close()
		if b.Len() < len(raw)*9/10 {
			f.small = b.Bytes()
		}
	}
	s.files[name] = f
}

func (s *static) url(name string) (string, error) {
	f, ok := s.files[name]
	if !ok {
		return "", fmt.Errorf("page: no static file %s", name)
	}
	return "/static/" + f.hash + "/" + name, nil
}

// Static serves GET /static/HASH/NAME. Mount it at "GET /static/". A wrong hash is
// answered with the file of today, but not cached: it is an old page asking.
func (s *Set) Static() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hash, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/static/"), "/")
		f, ok := s.static.files[name]
		if !ok {
			s.Status(w, r, http.StatusNotFound)
			return
		}
		f.serve(w, r, hash == f.hash)
	})
}

func (f *file) serve(w http.ResponseWriter, r *http.Request, current bool) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "no-cache")
	if current {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	body, etag := f.plain, `"`+f.hash+`"`
	small := f.small != nil && serve.TakesGzip(r)
	if small {
		body, etag = f.small, `"`+f.hash+`-gzip"` // other bytes, another strong tag
	}
	h.Set("Etag", etag)
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if serve.Has(r, etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if small {
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		w.Write(body)
	}
}
