package target

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"

	"tegata/idp/clients"
	"tegata/idp/oidc/wire"
)

// maxDetails bounds how many authorization details one request may have.
const maxDetails = 16

// Details is authorization_details: what a client wants in more words than a scope
// has. RFC 9396. What stands in an object is between the client and its resource; we
// look at its type and hand it on as it came.
type Details []json.RawMessage

var errDetails = wire.Refuse("invalid_authorization_details", "The authorization_details are not a list of objects of types that the client is registered for.")

// ReadDetails reads the parameter; each object has to be of a type that the client
// registered (RFC 9396 §5, §10).
func ReadDetails(client *clients.Client, text string) (Details, error) {
	all, err := parseDetails(text)
	if err != nil {
		return nil, err
	}
	for _, one := range all {
		if !slices.Contains(client.DetailTypes, typeOf(one)) {
			return nil, errDetails
		}
	}
	return all, nil
}

// parseDetails reads a list of objects with types, each in the one spelling that
// encoding/json gives it, so that equal ones are equal bytes.
func parseDetails(text string) (Details, error) {
	if text == "" {
		return nil, nil
	}
	var objects []map[string]any
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	if err := decoder.Decode(&objects); err != nil || len(objects) == 0 || len(objects) > maxDetails {
		return nil, errDetails
	}
	if _, err := decoder.Token(); err != io.EOF { // More takes a bracket that closes nothing for the end
		return nil, errDetails
	}
	var all Details
	for _, object := range objects {
		kind, ok := object["type"].(string)
		b, err := json.Marshal(object)
		if !ok || kind == "" || err != nil {
			return nil, errDetails
		}
		all = append(all, b)
	}
	return all, nil
}

// narrow keeps the objects that a token request names; it may name none, then all
// stay. An object that was not granted, word for word, is refused: whether it would be
// less than a granted one only its resource could tell.
func (d Details) narrow(text string) (Details, error) {
	asked, err := parseDetails(text)
	if err != nil || len(asked) == 0 {
		return d, err
	}
	for _, one := range asked {
		if !slices.ContainsFunc(d, func(g json.RawMessage) bool { return bytes.Equal(g, one) }) {
			return nil, errDetails
		}
	}
	return asked, nil
}

func typeOf(object json.RawMessage) string {
	var of struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(object, &of) != nil {
		return ""
	}
	return of.Type
}
