package registration

import (
	"unicode/utf8"

	"tegata/idp/oidc/wire"
)

// strict refuses what parsers read differently: broken UTF-8 (RFC 8259 §8.1), which would
// be kept as something that nobody sent, and members that are there twice (§4), of which
// one reader takes the first and another the last. text is JSON.
func strict(text []byte) error {
	if !utf8.Valid(text) {
		return wire.Refuse("invalid_client_metadata", "The body has to be UTF-8.")
	}
	if wire.MemberTwice(text) {
		return wire.Refuse("invalid_client_metadata", "A member is there twice.")
	}
	return nil
}
