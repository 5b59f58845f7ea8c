package clients

import "slices"

// How answers can be encrypted to a client. RFC 7518 §4.1, §5.1. RSA1_5 and plain
// RSA-OAEP are left out: nothing that can do either cannot do one of these.
var (
	EncryptionAlgs = []string{"RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"}
	EncryptionEncs = []string{"A128CBC-HS256", "A128GCM", "A256GCM"}
)

// Encryption is how one kind of answer is encrypted to a client; the zero value is not
// at all.
type Encryption struct{ Alg, Enc string }

// On tells whether there is something to do.
func (e Encryption) On() bool { return e.Alg != "" }

// IDTokenEncryption is that of ID tokens. OIDC Registration §2.
func (c *Client) IDTokenEncryption() Encryption { return Encryption{c.IDTokenEncAlg, c.IDTokenEnc} }

// UserinfoEncryption is that of userinfo answers. OIDC Registration §2.
func (c *Client) UserinfoEncryption() Encryption { return Encryption{c.UserinfoEncAlg, c.UserinfoEnc} }

// IntrospectionEncryption is that of introspection answers in JWT form. RFC 9701 §6.
func (c *Client) IntrospectionEncryption() Encryption {
	return Encryption{c.IntrospectionEncAlg, c.IntrospectionEnc}
}

// AnswerEncryption is that of signed authorization answers. JARM §3.
func (c *Client) AnswerEncryption() Encryption { return Encryption{c.ResponseEncAlg, c.ResponseEnc} }

// encryptions are the members in pairs, by the name that both begin with.
func (c *Client) encryptions() map[string][2]*string {
	return map[string][2]*string{
		"id_token_encrypted_response":      {&c.IDTokenEncAlg, &c.IDTokenEnc},
		"userinfo_encrypted_response":      {&c.UserinfoEncAlg, &c.UserinfoEnc},
		"introspection_encrypted_response": {&c.IntrospectionEncAlg, &c.IntrospectionEnc},
		"authorization_encrypted_response": {&c.ResponseEncAlg, &c.ResponseEnc},
	}
}

// defaultEncryption fills enc where there is an alg. OIDC Registration §2.
func (c *Client) defaultEncryption() {
	for _, pair := range c.encryptions() {
		if *pair[0] != "" && *pair[1] == "" {
			*pair[1] = "A128CBC-HS256"
		}
	}
}

func (c *Client) checkEncryption(p *Problems, at string) {
	for name, pair := range c.encryptions() {
		alg, enc := *pair[0], *pair[1]
		switch {
		case alg == "" && enc != "":
			p.add(at+"."+name+"_enc", "belongs together with %s_alg", name)
		case alg == "":
		case !c.HasKeys():
			p.add(at+"."+name+"_alg", "needs jwks_uri or jwks with a key to encrypt to")
		case !slices.Contains(EncryptionAlgs, alg):
			subset(p, at+"."+name+"_alg", []string{alg}, EncryptionAlgs)
		default:
			subset(p, at+"."+name+"_enc", []string{enc}, EncryptionEncs)
		}
	}
}
