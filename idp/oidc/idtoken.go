package oidc

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"time"

	"github.com/ory/fosite"

	"tegata/idp/clients"
	"tegata/idp/oidc/claims"
	"tegata/idp/oidc/object"
)

// idToken is what an ID token says. OIDC Core §2. Claims about the person stay out,
// unless the client asked for single ones here: userinfo has them.
type idToken struct {
	Issuer     string
	Subject    string
	Audience   string
	Expires    int64 // this and the next two: seconds since 1970
	Issued     int64
	AuthTime   int64
	Nonce      string
	ACR        string
	AMR        []string
	SID        string
	AccessHash string
	CodeHash   string
	MayAct     *actor     // RFC 8693 §4.4
	More       claims.Set // claims about the person asked for one by one
}

func (t idToken) Members(w *object.Writer) {
	w.Value("iss", t.Issuer)
	w.Value("sub", t.Subject)
	w.Value("aud", t.Audience)
	w.Value("exp", t.Expires)
	w.Value("iat", t.Issued)
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

// GenerateIDToken makes the ID token in the client's algorithm. fosite's own knows
// one key, checks what checks.go has checked, by the machine's clock, and writes
// private claims.
func (s strategy) GenerateIDToken(ctx context.Context, lives time.Duration, r fosite.Requester) (string, error) {
	about, client := r.GetSession().(*session), workOf(ctx).client
	claims := s.p.idTokenClaims(client.Client, about, lives)
	if about.claims.AccessTokenHash != "" { // then fosite gave an access token along
		claims.AccessHash = leftHash(client.IDTokenAlg, workOf(ctx).accessText)
	}
	if err := s.p.addSingles(ctx, &claims, about, about.IDToken); err != nil {
		return "", err
	}
	text, err := s.p.sign(ctx, client.IDTokenAlg, "JWT", claims)
	if err != nil {
		return "", err
	}
	return s.p.encrypted(ctx, client.Client, client.IDTokenEncryption(), text)
}

// idTokenClaims is what every ID token about that log-in says. The session's name is
// for clients that are told of its end: all others could only use it to find out
// together that they have the same person before them, pairwise subjects or not.
func (p *Provider) idTokenClaims(client *clients.Client, about *session, lives time.Duration) idToken {
	now := p.Clock()
	claims := idToken{
		Issuer: p.Issuer, Subject: about.Subject, Audience: client.ID,
		Expires: now.Add(lives).Unix(), Issued: now.Unix(), AuthTime: about.AuthTime.Unix(),
		Nonce: about.Nonce, ACR: about.ACR, AMR: about.AMR, MayAct: mayAct(client),
	}
	if client.HearsOfLogouts() {
		claims.SID = about.SID
	}
	return claims
}

// addSingles puts the named claims about the person into the ID token.
func (p *Provider) addSingles(ctx context.Context, token *idToken, about *session, names []string) error {
	if len(names) == 0 {
		return nil
	}
	account, err := p.Accounts.ByID(ctx, about.AccountID)
	if err == nil {
		token.More = claims.Set{}.Pick(&account, names)
	}
	return err
}

// sign makes an ID token of the claims.
func (p *Provider) sign(ctx context.Context, alg, typ string, claims idToken) (string, error) {
	payload, err := object.Marshal(claims)
	if err != nil {
		return "", err
	}
	if claims.AccessHash != "" { // of a token that was made for this answer
		return p.signer.SignUnique(ctx, alg, typ, payload)
	}
	return p.signer.Sign(ctx, alg, typ, payload)
}

// leftHash is the left half of the hash of a token, for at_hash and c_hash, by the hash function
// of the algorithm that signs. OIDC Core §3.1.3.6, §3.3.2.11, RFC 8032 §5.1.
func leftHash(alg, token string) string {
	if alg == "EdDSA" {
		sum := sha512.Sum512([]byte(token))
		return base64.RawURLEncoding.EncodeToString(sum[:32])
	}
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
