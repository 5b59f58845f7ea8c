package sso

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/cryptosigner"

	"tegata/shared/secret"
)

// assertionAlg is how we sign towards the provider.
const assertionAlg = "ES256"

// assertionLives is short: it is made for one call.
const assertionLives = time.Minute

// assertion makes the JWT that proves to the provider who is calling (private_key_jwt,
// RFC 7523 §2.2, OIDC Core §9). aud is the issuer as one text: the token endpoint's URL
// or a list would let another provider use the assertion.
func (s *Service) assertion(ctx context.Context) (string, error) {
	kid, key, err := s.Signer(ctx, assertionAlg)
	if err != nil {
		return "", fmt.Errorf("client assertion: %w", err)
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: assertionAlg, Key: jose.JSONWebKey{Key: cryptosigner.Opaque(key), KeyID: kid}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("client assertion: %w", err)
	}
	now := s.Clock()
	claims, err := json.Marshal(map[string]any{
		"iss": s.Provider.ClientID, "sub": s.Provider.ClientID, "aud": s.Provider.Issuer,
		"jti": secret.Text(), "iat": now.Unix(), "exp": now.Add(assertionLives).Unix(),
	})
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		return "", fmt.Errorf("client assertion: %w", err)
	}
	return signed.CompactSerialize()
}
