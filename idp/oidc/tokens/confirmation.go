package tokens

import "encoding/json"

// Confirmation is the key without which a token is worth nothing: that of DPoP proofs
// or that of a certificate. Empty for a bearer token. RFC 7800 §3.1, RFC 9449 §6.1,
// RFC 8705 §3.1.
type Confirmation struct {
	JKT string `json:"jkt,omitempty"`
	X5T string `json:"x5t#S256,omitempty"`
}

// Bound tells whether there is a key.
func (c Confirmation) Bound() bool { return c != Confirmation{} }

// Text is the confirmation as the database keeps it.
func (c Confirmation) Text() string {
	if !c.Bound() {
		return ""
	}
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // two texts
	}
	return string(b)
}

// ReadConfirmation reads what Text wrote.
func ReadConfirmation(text string) (c Confirmation, err error) {
	if text == "" {
		return c, nil
	}
	return c, json.Unmarshal([]byte(text), &c)
}

// TokenType is how the tokens of a confirmation are used. RFC 9449 §5.
func (c Confirmation) TokenType() string {
	if c.JKT != "" {
		return "DPoP"
	}
	return "Bearer"
}
