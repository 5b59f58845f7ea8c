package wire

import (
	"io"
	"net/http"

	"tegata/idp/oidc/object"
	"tegata/shared/serve"
)

// TypeJSON is the media type of what is not signed. RFC 8259 §11.
const TypeJSON = "application/json"

// What answers say of themselves, made once.
var (
	isJSON  = []string{TypeJSON}
	noStore = []string{"no-store"}
	noCache = []string{"no-cache"} // RFC 6749 §5.1 asks for it too
)

// WriteJSON answers with value, never to be stored.
func WriteJSON(w http.ResponseWriter, status int, value any) {
	b, err := object.Marshal(value)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"error":"server_error"}`)
	}
	serve.Data(w)
	h := w.Header()
	h["Content-Type"], h["Cache-Control"], h["Pragma"] = isJSON, noStore, noCache
	w.WriteHeader(status)
	w.Write(b)
}

// WriteText answers with a text of that media type, never to be stored.
func WriteText(w http.ResponseWriter, kind, text string) {
	h := w.Header()
	h["Content-Type"], h["Cache-Control"], h["Pragma"] = []string{kind}, noStore, noCache
	io.WriteString(w, text)
}
