package tokens

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"

	"tegata/idp/oidc/claims"
	"tegata/idp/oidc/object"
)

// IDToken is what an ID token says. OIDC Core §2. Claims about the person stay out,
// unless the client asked for single ones here: userinfo has them.
type IDToken struct {
	Issuer     string
	Subject    string
	Audience   string
	Expires    int64 // this and the next two: seconds since 1970
	Issued     int64
	ID         string // jti
	AuthTime   int64
	Nonce      string
	ACR        string
	AMR        []string
	SID        string
	AccessHash string
	CodeHash   string
	MayAct     *Actor     // RFC 8693 §4.4
	More       claims.Set // claims about the person asked for one by one
}

// Members writes them into the payload.
func (t IDToken) Members(w *object.Writer) {
	w.Value("iss", t.Issuer)
	w.Value("sub", t.Subject)
	w.Value("aud", t.Audience)
	w.Value("exp", t.Expires)
	w.Value("iat", t.Issued)
	w.Text("jti", t.ID)
	w.Number("auth_time", t.AuthTime)
	w.Text("nonce", t.Nonce)
	w.Text("acr", t.ACR)
	w.Texts("amr", t.AMR)
	w.Text("sid", t.SID)
	w.Text("at_hash", t.AccessHash)
	w.Text("c_hash", t.CodeHash)
	if t.MayAct != nil {
		w.Value("may_act", t.MayAct)
	}
	t.More.Members(w)
}

// LeftHash is the left half of the hash of a token, for at_hash and c_hash, by the hash function
// of the algorithm that signs. OIDC Core §3.1.3.6, §3.3.2.11, RFC 8032 §5.1.
func LeftHash(alg, token string) string {
	if alg == "EdDSA" {
		sum := sha512.Sum512([]byte(token))
		return base64.RawURLEncoding.EncodeToString(sum[:32])
	}
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
