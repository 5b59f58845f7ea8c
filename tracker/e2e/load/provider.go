package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tegata/shared/program/programtest"
)

// provider is our own idp, as the binary that is shipped.
type provider struct {
	binary string // path of the program
	config string // path of configs/idp.yaml
	folder string // everything that lasts
	env    []string
	*target
}

// peopleCount is how many log in; callers share them.
const peopleCount = 32

// newProvider writes the configuration of a provider with an empty database.
// databaseURL "" is SQLite in the folder.
func newProvider(binary, folder, databaseURL string) (*provider, error) {
	if databaseURL == "" {
		databaseURL = "sqlite:" + filepath.Join(folder, "idp.db")
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	metrics, err := freePort()
	if err != nil {
		return nil, err
	}
	host := fmt.Sprintf("localhost:%d", port)
	p := &provider{binary: binary, config: programtest.Root("configs/idp.yaml"), folder: folder, target: &target{
		name: "idp-" + filepath.Base(folder), addr: fmt.Sprintf("127.0.0.1:%d", port), host: host, issuer: "http://" + host,
		metrics: fmt.Sprintf("http://127.0.0.1:%d/metrics", metrics), fill: fillOurs,
	}}
	profile, err := freePort()
	if err != nil {
		return nil, err
	}
	p.profile = fmt.Sprintf("127.0.0.1:%d", profile)
	p.env = []string{
		"TEGATA_LOAD_PROFILE=" + p.profile,
		"TEGATA_IDP_PUBLIC_URL=" + p.issuer,
		"TEGATA_IDP_LISTEN=" + p.addr,
		fmt.Sprintf("TEGATA_IDP_METRICS_LISTEN=127.0.0.1:%d", metrics),
		"TEGATA_IDP_DATABASE_URL=" + databaseURL,
		"TEGATA_IDP_KEY_ENCRYPTION_KEY_FILE=" + filepath.Join(folder, "kek"),
		"TEGATA_IDP_CLIENTS_FILE=" + filepath.Join(folder, "clients.yaml"),
		"TEGATA_IDP_PEOPLE_FILE=" + filepath.Join(folder, "people.yaml"),
		"TEGATA_IDP_PROXIES_TRUSTED=127.0.0.1", // log-ins come from many places
		"TEGATA_IDP_LOG_FORMAT=json",
	}
	return p, p.write()
}

// write makes the files with clients and people.
func (p *provider) write() error {
	jwks, err := p.assertions.generate()
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(clientSecret))
	digest := hex.EncodeToString(sum[:])
	var clients, people strings.Builder
	clients.WriteString("clients:\n")
	for _, c := range []struct{ id, grants, more string }{
		{clientWeb, "authorization_code", "scopes: [openid, profile, email], redirect_uris: [\"" + redirectURI + "\"]"},
		{clientOffline, "authorization_code, refresh_token", "scopes: [openid, offline_access], redirect_uris: [\"" + redirectURI + "\"]"},
		{clientMachine, "client_credentials", "scopes: [openid]"},
	} {
		fmt.Fprintf(&clients, "  - {client_id: %s, client_name: {en: %s}, grant_types: [%s], %s, id_token_signed_response_alg: ES256, client_secret_digests: [%s]}\n",
			c.id, c.id, c.grants, c.more, digest)
	}
	fmt.Fprintf(&clients, "  - {client_id: %s, client_name: {en: %s}, grant_types: [client_credentials], token_endpoint_auth_method: private_key_jwt, token_endpoint_auth_signing_alg: ES256, jwks: %s}\n",
		clientSigner, clientSigner, jwks)
	for i := range peopleCount {
		who := person{fmt.Sprintf("load%d@example.org", i), fmt.Sprintf("Quiet-river %d stones", 100+i)}
		p.people = append(p.people, who)
		fmt.Fprintf(&people, "- {email: %s, password: %q, given_name: Load, family_name: Person, country: JP, language: en}\n", who.email, who.password)
	}
	if err := os.WriteFile(filepath.Join(p.folder, "clients.yaml"), []byte(clients.String()), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(p.folder, "people.yaml"), []byte(people.String()), 0o600)
}

// start runs the program and tells how long it took until it was ready.
func (p *provider) start() (took time.Duration, err error) {
	if p.process, err = launch(p.folder, "idp", p.env, p.binary, "serve", "--config", p.config); err != nil {
		return 0, err
	}
	if took, err = p.process.ready(p.issuer + "/readyz"); err != nil {
		return 0, err
	}
	return took, p.discover()
}

// fillOurs types into our pages: address, password, and that the client may.
func fillOurs(c *caller, path, body string) string {
	page, query, _ := strings.Cut(path, "?")
	values, _ := url.ParseQuery(query)
	form := url.Values{"interaction": {values.Get("interaction")}}
	switch page {
	case "/login":
		form.Set("email", c.who.email)
	case "/login/password":
		form.Set("password", c.who.password)
	case "/consent":
		form.Set("decision", "allow")
		_, after, _ := strings.Cut(body, `name="shown" value="`)
		shown, _, _ := strings.Cut(after, `"`)
		form.Set("shown", shown)
	}
	return form.Encode()
}
