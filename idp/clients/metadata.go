package clients

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
)

// registrable are the members that a client may say about itself: RFC 7591 §2, OIDC
// Registration §2, and the extensions of each. Whatever it says about how far it is to
// be trusted is not among them and is ignored. A member that Client does not
// have is ignored as well, see binding.
var registrable = []string{
	"redirect_uris", "post_logout_redirect_uris", "initiate_login_uri", "application_type", "token_endpoint_auth_method",
	"token_endpoint_auth_signing_alg", "jwks_uri", "jwks", "grant_types", "response_types", "id_token_signed_response_alg",
	"userinfo_signed_response_alg", "introspection_signed_response_alg", "authorization_signed_response_alg", "subject_type",
	"sector_identifier_uri", "logo_uri", "policy_uri", "tos_uri", "client_uri", "contacts", "request_uris",
	"request_object_signing_alg", "default_max_age", "require_auth_time", "default_acr_values",
	"id_token_encrypted_response_alg", "id_token_encrypted_response_enc", "userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc",
	"introspection_encrypted_response_alg", "introspection_encrypted_response_enc",
	"authorization_encrypted_response_alg", "authorization_encrypted_response_enc",
	"backchannel_logout_uri", "backchannel_logout_session_required", "frontchannel_logout_uri", "frontchannel_logout_session_required",
	"require_pushed_authorization_requests", "require_signed_request_object", "dpop_bound_access_tokens",
	"tls_client_certificate_bound_access_tokens", "tls_client_auth_subject_dn", "tls_client_auth_san_dns", "tls_client_auth_san_uri",
	"tls_client_auth_san_ip", "tls_client_auth_san_email",
}

// binding are members that make something safer or unreadable. One that we do not have
// is refused and not ignored: the client would rely on it.
var binding = []string{
	"subject_type", "userinfo_signed_response_alg", "id_token_encrypted_response_alg", "userinfo_encrypted_response_alg",
	"request_object_encryption_alg", "authorization_encrypted_response_alg", "require_pushed_authorization_requests",
	"require_signed_request_object", "dpop_bound_access_tokens", "tls_client_certificate_bound_access_tokens",
}

// harmless are values of those that say the same as leaving them out.
var harmless = []string{`null`, `""`, `false`, `"public"`, `"none"`}

// Apply puts what a client says about itself into its registration. What it does not
// mention stays as it is, null takes it away (RFC 7592 §2.2). Paths of the problems are
// the members' names. Check has to follow.
func (c *Client) Apply(said map[string]json.RawMessage) Problems {
	var p Problems
	fields := reflect.ValueOf(c).Elem()
	for _, name := range registrable {
		raw, ok := said[name]
		index, known := members[name]
		if !ok || !known {
			continue
		}
		field := reflect.New(fields.Field(index).Type())
		if err := json.Unmarshal(raw, field.Interface()); err != nil {
			p = append(p, misread(name, raw, fields.Field(index))...)
			continue
		}
		fields.Field(index).Set(field.Elem())
	}
	for _, name := range binding {
		if raw, ok := said[name]; ok && !slices.Contains(harmless, string(raw)) {
			if _, known := members[name]; !known {
				p.add(name, "does not exist here")
			}
		}
	}
	c.readNames(&p, "", said)
	c.applyScope(&p, said)
	c.applyKeys(said)
	c.dropRefreshing(nil) // none of it is the client's to say
	return p
}

// applyScope reads scope, a text here (RFC 7591 §2). A client that names none may ask
// for everything: people are asked, too.
func (c *Client) applyScope(p *Problems, said map[string]json.RawMessage) {
	raw, ok := said["scope"]
	if ok {
		c.Scopes = slices.DeleteFunc(c.readScope(p, "", raw), func(one string) bool { return !slices.Contains(Scopes, one) })
	}
	if len(c.Scopes) == 0 {
		c.Scopes = slices.Clone(Scopes)
	}
}

// applyKeys lets a key set take the place of an address of keys, and the other way
// round, and drops what belongs to another way of proving oneself.
func (c *Client) applyKeys(said map[string]json.RawMessage) {
	_, byValue := said["jwks"]
	_, byAddress := said["jwks_uri"]
	switch {
	case byAddress && !byValue && c.JWKSURI != "":
		c.JWKS = nil
	case byValue && !byAddress && c.JWKS != nil:
		c.JWKSURI = ""
	}
	c.AuthAudience = ""
	if c.AuthMethod == PrivateKeyJWT {
		c.AuthAudience = "endpoint" // OIDC Core §9; the issuer does as well
	} else {
		c.AuthAlg = ""
	}
	if !c.HasSecret() {
		c.SecretDigests = nil
	}
	c.RequestRules = "" // follows from the rest
}

// HasSecret tells whether the client proves itself with a secret.
func (c *Client) HasSecret() bool {
	return c.AuthMethod == ClientSecretBasic || c.AuthMethod == ClientSecretPost || c.AuthMethod == ""
}

// Metadata is the registration as the client may see it. RFC 7591 §3.2.1.
func (c *Client) Metadata() (map[string]any, error) {
	text, err := c.encode()
	if err != nil {
		return nil, err
	}
	var all map[string]any
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return nil, err
	}
	shown := map[string]any{"client_id": c.ID, "scope": strings.Join(c.Scopes, " ")}
	for _, name := range registrable {
		if value, ok := all[name]; ok && value != nil && value != "" {
			shown[name] = value
		}
	}
	for lang, name := range c.Name {
		shown["client_name#"+lang] = name
	}
	name := "client_name#en" // which stands in for the one without a tag
	if c.Name[untagged] != "" {
		name = "client_name#" + untagged
	}
	if shown[name] != nil {
		shown["client_name"] = shown[name]
	}
	delete(shown, name)
	return shown, nil
}
