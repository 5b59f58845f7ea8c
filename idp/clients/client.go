// Package clients knows the registered clients: which software may ask for tokens,
// where answers may go, and how it proves who it is.
//
//	Client        one registration, in the words of RFC 7591 (client.go)
//	Check         every mistake of a registration, with its path (check.go, address.go, policy.go)
//	Resource      where access tokens are used (resource.go), and what its scopes mean in words (wording.go)
//	CheckIn       and what it could not log in with here (setting.go); CheckSector: whose list is fetched (sector.go)
//	CheckKeySet   whether the client's keys can do what they are needed for (keyset.go)
//	Encryption    what is encrypted to a client (encryption.go)
//	Signed        what we sign for a client, with which algorithm; Takers of one (signed.go)
//	Refreshing    how long refresh tokens live (refreshing.go)
//	Profile       rules that belong together, like those of FAPI 2.0 (profile.go)
//	HasSubject    whether a certificate bears a registered name (subjectname.go)
//	ReadFile      configs/clients.yaml, strictly (file.go); Position of a mistake in it (position.go)
//	CheckNames    clients that are named and do not exist (named.go)
//	Amend         members of a registration, in our words or those of RFC 7591 (amend.go)
//	Registry      clients by id, from the database, kept in memory (registry.go)
//	Store         the tables (store.go, store_registration.go, store_invitation.go)
//	Create …      what the command line changes (change.go)
//	Register      clients that register themselves (register.go)
//	Invite        initial access tokens, with which they may: made, listed, revoked (invitation.go)
//	Diary         the last requests of each client, for its developer (diary.go, diary_signed.go, near.go)
//	Frame         a client's log-out page; logout.go has the rules of both log-outs
//
// A client is a registered piece of software; it proves itself by exactly one
// method. Of its secret only the SHA-256 digest is kept: the secret is 256 random
// bits, not a password, so a slow hash would cost much and add nothing.
package clients

import (
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/shared/secret"
)

// AuthMethod is how a client proves itself at the token endpoint. OIDC Core §9.
type AuthMethod string

// The methods that exist here.
const (
	PrivateKeyJWT     AuthMethod = "private_key_jwt"
	ClientSecretBasic AuthMethod = "client_secret_basic"
	ClientSecretPost  AuthMethod = "client_secret_post"
	None              AuthMethod = "none" // a public client: native or in the browser
)

// Grant types that exist here. RFC 6749 §4.1.3, §4.2, §6.
const (
	AuthorizationCode = "authorization_code"
	Implicit          = "implicit" // whatever travels through the browser besides a code
	RefreshToken      = "refresh_token"
)

// Client is one registration. Names of members follow RFC 7591 §2 and OpenID Connect
// Dynamic Client Registration §2, so that a file, the command line and a registration
// request say the same.
type Client struct {
	ID   string            `json:"client_id"`
	Name map[string]string `json:"client_name"` // by language; amend.go has what "" is

	RedirectURIs           []string `json:"redirect_uris"`
	PostLogoutRedirectURIs []string `json:"post_logout_redirect_uris,omitempty"`
	InitiateLoginURI       string   `json:"initiate_login_uri,omitempty"`
	ApplicationType        string   `json:"application_type,omitempty"` // "web" or "native"

	AuthMethod    AuthMethod          `json:"token_endpoint_auth_method"`
	AuthAlg       string              `json:"token_endpoint_auth_signing_alg,omitempty"` // "" allows every algorithm of ours
	AuthAudience  string              `json:"token_endpoint_auth_audience,omitempty"`    // "issuer" or "endpoint"
	SecretDigests []string            `json:"client_secret_digests,omitempty"`           // SHA-256 in hex; two while one replaces the other
	JWKSURI       string              `json:"jwks_uri,omitempty"`
	JWKS          *jose.JSONWebKeySet `json:"jwks,omitempty"`

	GrantTypes    []string `json:"grant_types"`
	ResponseTypes []string `json:"response_types"`
	Scopes        []string `json:"scopes"`
	IDTokenAlg    string   `json:"id_token_signed_response_alg"`
	RequirePKCE   bool     `json:"require_pkce"`
	FirstParty    bool     `json:"first_party"`          // ours: nobody is asked for consent
	Unverified    bool     `json:"unverified,omitempty"` // nobody has looked at who is behind it: people are warned

	BackchannelLogoutURI      string `json:"backchannel_logout_uri,omitempty"` // OIDC Back-Channel Logout §2.2
	BackchannelLogoutSession  bool   `json:"backchannel_logout_session_required,omitempty"`
	FrontchannelLogoutURI     string `json:"frontchannel_logout_uri,omitempty"` // OIDC Front-Channel Logout §2
	FrontchannelLogoutSession bool   `json:"frontchannel_logout_session_required,omitempty"`

	OldSecretUntil *time.Time `json:"client_secret_old_until,omitempty"` // then the second digest counts no more

	LogoURI             string   `json:"logo_uri,omitempty"` // shown as a link, never fetched
	PolicyURI           string   `json:"policy_uri,omitempty"`
	TermsURI            string   `json:"tos_uri,omitempty"`
	ClientURI           string   `json:"client_uri,omitempty"`
	Contacts            []string `json:"contacts,omitempty"`
	RequestURIs         []string `json:"request_uris,omitempty"` // where its request objects may lie
	SectorIdentifierURI string   `json:"sector_identifier_uri,omitempty"`
	DefaultMaxAge       *int64   `json:"default_max_age,omitempty"` // seconds
	RequireAuthTime     bool     `json:"require_auth_time,omitempty"`
	DefaultACRValues    []string `json:"default_acr_values,omitempty"`

	IDTokenEncAlg       string `json:"id_token_encrypted_response_alg,omitempty"` // encryption.go; "" for not at all
	IDTokenEnc          string `json:"id_token_encrypted_response_enc,omitempty"`
	UserinfoEncAlg      string `json:"userinfo_encrypted_response_alg,omitempty"`
	UserinfoEnc         string `json:"userinfo_encrypted_response_enc,omitempty"`
	IntrospectionEncAlg string `json:"introspection_encrypted_response_alg,omitempty"`
	IntrospectionEnc    string `json:"introspection_encrypted_response_enc,omitempty"`
	ResponseEncAlg      string `json:"authorization_encrypted_response_alg,omitempty"`
	ResponseEnc         string `json:"authorization_encrypted_response_enc,omitempty"`

	RefreshIdle     string `json:"refresh_token_idle,omitempty"`     // "30d"; refreshing.go has the defaults
	RefreshLifetime string `json:"refresh_token_lifetime,omitempty"` // "180d"
	RefreshGrace    string `json:"refresh_token_grace,omitempty"`    // "10s"; "0s" for none

	SubjectType       string            `json:"subject_type,omitempty"`                      // Public or Pairwise
	UserinfoAlg       string            `json:"userinfo_signed_response_alg,omitempty"`      // "" for plain JSON
	IntrospectionAlg  string            `json:"introspection_signed_response_alg,omitempty"` // RFC 9701; "" for RS256
	AccessTokenFormat string            `json:"access_token_format,omitempty"`               // of tokens for no resource
	Resources         []string          `json:"resources,omitempty"`                         // what it may ask tokens for, RFC 8707
	DetailTypes       []string          `json:"authorization_details_types,omitempty"`       // RFC 9396
	TokenExchange     *TokenExchange    `json:"token_exchange,omitempty"`
	MayAct            string            `json:"may_act,omitempty"` // the one client that may exchange its tokens, RFC 8693 §4.4
	AssertionIssuers  []AssertionIssuer `json:"assertion_issuers,omitempty"`

	Profile              Profile `json:"profile,omitempty"` // profile.go says what follows from it
	RequirePushed        bool    `json:"require_pushed_authorization_requests,omitempty"`
	RequestObjectAlg     string  `json:"request_object_signing_alg,omitempty"` // "" allows every algorithm of ours
	RequireSignedRequest bool    `json:"require_signed_request_object,omitempty"`
	RequestRules         string  `json:"request_object_rules,omitempty"`              // "oidc" or "rfc9101"
	ResponseAlg          string  `json:"authorization_signed_response_alg,omitempty"` // of JARM answers
	DPoPBound            bool    `json:"dpop_bound_access_tokens,omitempty"`
	CertificateBound     bool    `json:"tls_client_certificate_bound_access_tokens,omitempty"`
	TLSSubjectDN         string  `json:"tls_client_auth_subject_dn,omitempty"`
	TLSNameDNS           string  `json:"tls_client_auth_san_dns,omitempty"`
	TLSNameURI           string  `json:"tls_client_auth_san_uri,omitempty"`
	TLSNameIP            string  `json:"tls_client_auth_san_ip,omitempty"`
	TLSNameEmail         string  `json:"tls_client_auth_san_email,omitempty"`

	Source   string `json:"-"` // SourceConfig, SourceCLI or FromRegistration
	Disabled bool   `json:"-"`

	// RegisteredAt tells this registration from one that had its id before and was
	// deleted. Only a client that was read from the table has it.
	RegisteredAt time.Time `json:"-"`

	record string `json:"-"` // as it lies in the table: what an update must find again
}

// Public tells whether the client has nothing to prove itself with.
func (c *Client) Public() bool { return c.AuthMethod == None }

// Native tells whether the client runs on the person's machine. RFC 8252.
func (c *Client) Native() bool { return c.ApplicationType == "native" }

// May tells whether the client may use the grant type.
func (c *Client) May(grantType string) bool { return slices.Contains(c.GrantTypes, grantType) }

// SecretMatches compares a secret with the digests, in constant time for each.
func (c *Client) SecretMatches(given string) bool {
	digest, ok := secret.Digest(given), false
	for _, text := range c.SecretDigests {
		kept, err := hex.DecodeString(text)
		ok = ok || err == nil && secret.Match(kept, digest)
	}
	return ok
}

// Redirects tells whether answers may go to uri: exactly one of the registered ones
// (RFC 9700 §4.1.3), but for the port of a native client's loopback address, which
// the operating system chooses (RFC 8252 §7.3).
func (c *Client) Redirects(uri string) bool {
	if slices.Contains(c.RedirectURIs, uri) {
		return true
	}
	if u, err := url.Parse(uri); !c.Native() || err != nil || !goodPort(u) {
		return false
	}
	asked, ok := loopback(uri)
	return ok && slices.ContainsFunc(c.RedirectURIs, func(registered string) bool {
		known, ok := loopback(registered)
		return ok && known == asked
	})
}

// loopback gives uri without its port when it is plain http to a loopback address.
func loopback(uri string) (withoutPort string, ok bool) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "http" || u.User != nil || u.Fragment != "" || strings.Contains(uri, "#") {
		return "", false
	}
	host := u.Hostname()
	if host != "127.0.0.1" && host != "::1" {
		return "", false
	}
	if plain := "http://" + u.Host + u.RequestURI(); plain != uri {
		return "", false // some other spelling of the same address
	}
	return host + " " + u.RequestURI(), true
}

// ReturnsTo tells whether a person may be sent to uri after logging out.
// OIDC RP-Initiated Logout §3.1: exact, like redirect URIs.
func (c *Client) ReturnsTo(uri string) bool { return slices.Contains(c.PostLogoutRedirectURIs, uri) }

// OwnsTarget tells whether target lies at the origin where the client starts log-ins,
// so that it may be kept as the place the person wanted. OIDC Core §4.
func (c *Client) OwnsTarget(target string) bool {
	if c.InitiateLoginURI == "" || len(target) > 2048 {
		return false
	}
	own, err := url.Parse(c.InitiateLoginURI)
	if err != nil {
		return false
	}
	want, err := url.Parse(target)
	return err == nil && want.User == nil && want.Scheme == own.Scheme && want.Host == own.Host && own.Host != ""
}

// encode gives the record as the table keeps it.
func (c *Client) encode() (string, error) {
	b, err := json.Marshal(c)
	return string(b), err
}

// decode reads a record; what later versions added stays unread.
func decode(record string) (Client, error) {
	var c Client
	err := json.Unmarshal([]byte(record), &c)
	return c, err
}
