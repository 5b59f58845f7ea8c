package oidc

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"tegata/shared/serve"
)

// What answers in JSON say of themselves, made once.
var (
	typeJSON = []string{"application/json"}
	noStore  = []string{"no-store"}
	noCache  = []string{"no-cache"} // RFC 6749 §5.1 asks for it too
)

// writeJSON answers with value, never to be stored.
func writeJSON(w http.ResponseWriter, status int, value any) {
	b, err := marshal(value)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"error":"server_error"}`)
	}
	serve.Data(w)
	h := w.Header()
	h["Content-Type"], h["Cache-Control"], h["Pragma"] = typeJSON, noStore, noCache
	w.WriteHeader(status)
	w.Write(b)
}

// marshal is json.Marshal, quicker for claims: that finds out by reflection about each
// of them that it is a short text.
func marshal(value any) ([]byte, error) {
	claims, ok := value.(map[string]any)
	if !ok || claims == nil {
		return json.Marshal(value)
	}
	var few [24]string
	names := few[:0]
	for name := range claims {
		names = append(names, name)
	}
	slices.Sort(names)
	b := append(make([]byte, 0, 512), '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendJSON(b, name); err != nil {
			return nil, err
		}
		b = append(b, ':')
		if b, err = appendJSON(b, claims[name]); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// appendJSON knows texts in ASCII, truths and times; json does the rest.
func appendJSON(b []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case string:
		if unescaped(v) {
			return append(append(append(b, '"'), v...), '"'), nil
		}
	case bool:
		return strconv.AppendBool(b, v), nil
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	}
	text, err := json.Marshal(value)
	return append(b, text...), err
}

// unescaped tells whether json writes s as it is.
func unescaped(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}
