// Package metadata writes what relying parties learn about the provider: the document of
// OpenID Connect Discovery §3 and RFC 8414 §2. Most of it is what the packages beside this
// one can do; Facts is what an operator decides, and where things lie.
package metadata

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"

	"tegata/idp/clients"
	"tegata/idp/oidc/claims"
	"tegata/idp/oidc/clientauth"
	"tegata/idp/oidc/dpop"
	"tegata/idp/oidc/reply"
	"tegata/idp/oidc/wire"
	"tegata/shared/serve"
)

// description is what relying parties learn about us. OpenID Connect Discovery §3,
// RFC 8414 §2. It names nothing that does not work.
type description struct {
	Issuer                   string   `json:"issuer"`
	AuthorizationEndpoint    string   `json:"authorization_endpoint"`
	TokenEndpoint            string   `json:"token_endpoint"`
	UserinfoEndpoint         string   `json:"userinfo_endpoint"`
	JWKSURI                  string   `json:"jwks_uri"`
	EndSessionEndpoint       string   `json:"end_session_endpoint"`
	RevocationEndpoint       string   `json:"revocation_endpoint"`
	RegistrationEndpoint     string   `json:"registration_endpoint,omitempty"`
	IntrospectionEndpoint    string   `json:"introspection_endpoint"`
	DeviceEndpoint           string   `json:"device_authorization_endpoint"` // RFC 8628 §4
	Scopes                   []string `json:"scopes_supported"`
	ResponseTypes            []string `json:"response_types_supported"`
	ResponseModes            []string `json:"response_modes_supported"`
	GrantTypes               []string `json:"grant_types_supported"`
	ACRValues                []string `json:"acr_values_supported"`
	SubjectTypes             []string `json:"subject_types_supported"`
	IDTokenAlgs              []string `json:"id_token_signing_alg_values_supported"`
	AuthMethods              []string `json:"token_endpoint_auth_methods_supported"`
	AuthAlgs                 []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	RevocationAuthMethods    []string `json:"revocation_endpoint_auth_methods_supported"`
	RevocationAuthAlgs       []string `json:"revocation_endpoint_auth_signing_alg_values_supported"`
	IntrospectionAuthMethods []string `json:"introspection_endpoint_auth_methods_supported"`
	IntrospectionAuthAlgs    []string `json:"introspection_endpoint_auth_signing_alg_values_supported"`
	IntrospectionAlgs        []string `json:"introspection_signing_alg_values_supported"` // RFC 9701 §7
	UserinfoAlgs             []string `json:"userinfo_signing_alg_values_supported"`
	DetailTypes              []string `json:"authorization_details_types_supported,omitempty"` // RFC 9396 §10
	ClaimTypes               []string `json:"claim_types_supported"`
	Claims                   []string `json:"claims_supported"`
	Displays                 []string `json:"display_values_supported"`
	Prompts                  []string `json:"prompt_values_supported"`
	UILocales                []string `json:"ui_locales_supported"`
	ChallengeMethods         []string `json:"code_challenge_methods_supported"`
	ClaimsParameter          bool     `json:"claims_parameter_supported"`
	RequestParameter         bool     `json:"request_parameter_supported"`
	RequestURIParameter      bool     `json:"request_uri_parameter_supported"`
	RequestURIRegistered     bool     `json:"require_request_uri_registration"`
	ResponseISS              bool     `json:"authorization_response_iss_parameter_supported"`

	IDTokenEncAlgs       []string `json:"id_token_encryption_alg_values_supported"`
	IDTokenEncs          []string `json:"id_token_encryption_enc_values_supported"`
	UserinfoEncAlgs      []string `json:"userinfo_encryption_alg_values_supported"`
	UserinfoEncs         []string `json:"userinfo_encryption_enc_values_supported"`
	IntrospectionEncAlgs []string `json:"introspection_encryption_alg_values_supported"` // RFC 9701 §7
	IntrospectionEncs    []string `json:"introspection_encryption_enc_values_supported"`
	ResponseEncAlgs      []string `json:"authorization_encryption_alg_values_supported"` // JARM §4
	ResponseEncs         []string `json:"authorization_encryption_enc_values_supported"`

	CheckSessionIframe        string            `json:"check_session_iframe"` // OIDC Session Management §3.3
	BackchannelLogout         bool              `json:"backchannel_logout_supported"`
	BackchannelLogoutSession  bool              `json:"backchannel_logout_session_supported"`
	FrontchannelLogout        bool              `json:"frontchannel_logout_supported"`
	FrontchannelLogoutSession bool              `json:"frontchannel_logout_session_supported"`
	PushedEndpoint            string            `json:"pushed_authorization_request_endpoint"` // RFC 9126 §5
	RequirePushed             bool              `json:"require_pushed_authorization_requests"` // of all clients; some have to
	RequestAlgs               []string          `json:"request_object_signing_alg_values_supported"`
	ResponseAlgs              []string          `json:"authorization_signing_alg_values_supported"` // JARM §4
	DPoPAlgs                  []string          `json:"dpop_signing_alg_values_supported"`          // RFC 9449 §5.1
	CertificateBound          bool              `json:"tls_client_certificate_bound_access_tokens"` // RFC 8705 §3.3
	Aliases                   map[string]string `json:"mtls_endpoint_aliases,omitempty"`
}

// Facts are what the document depends on.
type Facts struct {
	Issuer    string // our public URL, without a slash at its end
	MTLS      string // where certificates may be shown: the issuer or another URL of ours; "" for nowhere
	Endpoints Endpoints

	AuthMethods   []clients.AuthMethod // with which clients can prove themselves, as they shall stand there
	ResponseTypes []string             // those that are switched on
	ACRs          []string             // what log-ins can reach
	Prompts       []string
	DetailTypes   []string // types of authorization details
}

// Endpoints are paths below the issuer; those that clients prove themselves at, and
// userinfo, lie below MTLS too.
type Endpoints struct {
	Authorize, Token, Pushed, Device string
	Userinfo, Introspect, Revoke     string
	Keys, Logout, CheckSession       string
	Register                         string // "" where nobody may register a client
}

// keptFor is how long relying parties may keep the document.
const keptFor = 5 * time.Minute

// Document gives the document as it is answered, the same for both well-known URLs.
func (f Facts) Document() *serve.Document {
	var methods, algs []string
	for _, method := range f.AuthMethods {
		methods = append(methods, string(method))
	}
	for _, alg := range clientauth.Algs {
		algs = append(algs, string(alg))
	}
	told := append([]string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash"}, claims.Personal...)
	modes := []string{reply.Query, reply.Fragment, reply.FormPost, reply.JWT, reply.QueryJWT, reply.FragmentJWT, reply.FormPostJWT}
	grants, registration := clients.GrantTypes, ""
	if len(f.ResponseTypes) > 1 { // something but a code travels through the browser
		told = append(told, "c_hash")
	} else {
		grants = slices.DeleteFunc(slices.Clone(grants), func(g string) bool { return g == clients.Implicit })
	}
	if f.Endpoints.Register != "" {
		registration = f.Issuer + f.Endpoints.Register
	}
	text, err := json.Marshal(description{
		Issuer:                   f.Issuer,
		AuthorizationEndpoint:    f.Issuer + f.Endpoints.Authorize,
		TokenEndpoint:            f.Issuer + f.Endpoints.Token,
		UserinfoEndpoint:         f.Issuer + f.Endpoints.Userinfo,
		JWKSURI:                  f.Issuer + f.Endpoints.Keys,
		EndSessionEndpoint:       f.Issuer + f.Endpoints.Logout,
		RevocationEndpoint:       f.Issuer + f.Endpoints.Revoke,
		IntrospectionEndpoint:    f.Issuer + f.Endpoints.Introspect,
		DeviceEndpoint:           f.Issuer + f.Endpoints.Device,
		Scopes:                   clients.Scopes,
		RegistrationEndpoint:     registration,
		ResponseTypes:            f.ResponseTypes,
		ResponseModes:            modes,
		GrantTypes:               grants,
		ACRValues:                f.ACRs,
		SubjectTypes:             []string{clients.Public, clients.Pairwise},
		IDTokenAlgs:              clients.SigningAlgs,
		UserinfoAlgs:             clients.SigningAlgs,
		IntrospectionAlgs:        clients.SigningAlgs,
		IntrospectionAuthMethods: confidential(methods),
		IntrospectionAuthAlgs:    algs,
		DetailTypes:              f.DetailTypes,
		AuthMethods:              methods,
		AuthAlgs:                 algs,
		RevocationAuthMethods:    methods,
		RevocationAuthAlgs:       algs,
		ClaimTypes:               []string{"normal"},
		Claims:                   told,
		Displays:                 []string{"page"},
		Prompts:                  f.Prompts,
		UILocales:                []string{"ja", "en"},
		ChallengeMethods:         []string{"S256"},
		ClaimsParameter:          true,
		RequestParameter:         true,
		RequestURIParameter:      true,
		RequestURIRegistered:     true,
		ResponseISS:              true,
		IDTokenEncAlgs:           clients.EncryptionAlgs, IDTokenEncs: clients.EncryptionEncs,
		UserinfoEncAlgs: clients.EncryptionAlgs, UserinfoEncs: clients.EncryptionEncs,
		IntrospectionEncAlgs: clients.EncryptionAlgs, IntrospectionEncs: clients.EncryptionEncs,
		ResponseEncAlgs: clients.EncryptionAlgs, ResponseEncs: clients.EncryptionEncs,
		CheckSessionIframe: f.Issuer + f.Endpoints.CheckSession,
		BackchannelLogout:  true, BackchannelLogoutSession: true,
		FrontchannelLogout: true, FrontchannelLogoutSession: true,
		PushedEndpoint:   f.Issuer + f.Endpoints.Pushed,
		RequestAlgs:      clients.RequestAlgs,
		ResponseAlgs:     clients.SigningAlgs,
		DPoPAlgs:         dpop.Algs,
		CertificateBound: f.MTLS != "",
		Aliases:          f.aliases(),
	})
	if err != nil {
		panic(err) // texts and lists of texts
	}
	sum := sha256.Sum256(text)
	return serve.NewDocument(text, wire.TypeJSON, `"`+base64.RawURLEncoding.EncodeToString(sum[:9])+`"`, keptFor)
}

// confidential leaves out the method of clients that cannot prove themselves.
func confidential(methods []string) []string {
	return slices.DeleteFunc(slices.Clone(methods), func(m string) bool { return m == string(clients.None) })
}

// aliases are the endpoints where certificates are asked for, when they have a host of
// their own. RFC 8705 §5.
func (f Facts) aliases() map[string]string {
	if f.MTLS == "" || f.MTLS == f.Issuer {
		return nil
	}
	return map[string]string{
		"token_endpoint":                        f.MTLS + f.Endpoints.Token,
		"revocation_endpoint":                   f.MTLS + f.Endpoints.Revoke,
		"introspection_endpoint":                f.MTLS + f.Endpoints.Introspect,
		"device_authorization_endpoint":         f.MTLS + f.Endpoints.Device,
		"pushed_authorization_request_endpoint": f.MTLS + f.Endpoints.Pushed,
		"userinfo_endpoint":                     f.MTLS + f.Endpoints.Userinfo,
	}
}
