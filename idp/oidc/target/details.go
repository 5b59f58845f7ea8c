package target

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"tegata/idp/clients"
	"tegata/idp/oidc/wire"
)

// maxDetails bounds how many authorization details one request may have.
const maxDetails = 16

// Details is authorization_details: what a client wants in more words than a scope
// has. RFC 9396. What stands in an object is between the client and its resource; we
// look at its type and its locations, and hand it on as it came.
type Details []json.RawMessage

// What is wrong with details: all are invalid_authorization_details. RFC 9396 §5.
var (
	errDetails    = refuse("The authorization_details are not a list of objects that have a type.")
	errMany       = refuse("There are too many authorization_details: 16 are allowed.")
	errTwice      = refuse("The authorization_details have a member that is there twice, or has no name.")
	errHidden     = refuse("The authorization_details have characters that do not show, or turn the direction of text.")
	errType       = refuse("The client is not registered for a type of the authorization_details.")
	errNotGranted = refuse("The authorization_details are not all among those that were granted.")
)

func refuse(why string) *wire.Refusal { return wire.Refuse("invalid_authorization_details", why) }

// parseDetails reads a list of objects with types, each in the one spelling that
// encoding/json gives it, so that equal ones are equal bytes.
func parseDetails(text string) (Details, error) {
	if text == "" {
		return nil, nil
	}
	objects, err := readObjects(text)
	if err != nil {
		return nil, err
	}
	var all Details
	for _, object := range objects {
		kind, ok := object["type"].(string)
		b, err := json.Marshal(object)
		if !ok || kind == "" || err != nil {
			return nil, errDetails
		}
		if err := legible(object); err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, nil
}

func readObjects(text string) (objects []map[string]any, err error) {
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	if err := decoder.Decode(&objects); err != nil || len(objects) == 0 || !utf8.ValidString(text) {
		return nil, errDetails
	}
	if _, err := decoder.Token(); err != io.EOF { // More takes a bracket that closes nothing for the end
		return nil, errDetails
	}
	if len(objects) > maxDetails {
		return nil, errMany
	}
	if wire.MemberTwice([]byte(text)) {
		return nil, errTwice
	}
	return objects, nil
}

// legible refuses what cannot be shown to a person as it is, so that what they approve is
// what is granted: members without a name, and characters that make text look like
// another one. Values may have lines and tabs.
func legible(value any) error {
	switch v := value.(type) {
	case string:
		if strings.ContainsFunc(v, func(r rune) bool { return clients.Hidden(r) && !strings.ContainsRune("\t\n\r", r) }) {
			return errHidden
		}
	case []any:
		for _, one := range v {
			if err := legible(one); err != nil {
				return err
			}
		}
	case map[string]any:
		for name, one := range v {
			if name == "" {
				return errTwice
			}
			if strings.ContainsFunc(name, clients.Hidden) {
				return errHidden
			}
			if err := legible(one); err != nil {
				return err
			}
		}
	}
	return nil
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
			return nil, errNotGranted
		}
	}
	return asked, nil
}
