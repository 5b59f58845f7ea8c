package cli

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tegata/idp/app"
	"tegata/idp/clients"
	"tegata/shared/fault"
	"tegata/shared/fetch"
	"tegata/shared/secret"
	"tegata/shared/verbs"
)

// clientFlag is a member of the registration that has a flag.
type clientFlag struct{ name, member, kind, help string }

// clientFlags are the members people set most; --file sets the others.
var clientFlags = []clientFlag{
	{"redirect-uri", "redirect_uris", "list", "where answers may go; can be repeated"},
	{"post-logout-redirect-uri", "post_logout_redirect_uris", "list", "where people may return to after logging out; can be repeated"},
	{"initiate-login-uri", "initiate_login_uri", "text", "where a fresh log-in can be started from outside"},
	{"backchannel-logout-uri", "backchannel_logout_uri", "text", "is told by us when a session ends"},
	{"frontchannel-logout-uri", "frontchannel_logout_uri", "text", "is shown in a frame when a person logs out"},
	{"application-type", "application_type", "text", "web or native"},
	{"auth-method", "token_endpoint_auth_method", "text", "private_key_jwt, client_secret_basic, client_secret_post, tls_client_auth, self_signed_tls_client_auth or none"},
	{"jwks-uri", "jwks_uri", "text", "public keys, for private_key_jwt"},
	{"grant-type", "grant_types", "list", "authorization_code, refresh_token, client_credentials …; can be repeated"},
	{"scope", "scopes", "list", "what it may ask for; can be repeated"},
	{"id-token-alg", "id_token_signed_response_alg", "text", "RS256, PS256, ES256 or EdDSA"},
	{"refresh-idle", "refresh_token_idle", "text", "how long a refresh token lives unused, like 30d"},
	{"refresh-lifetime", "refresh_token_lifetime", "text", "how long a family of refresh tokens lives, like 180d"},
	{"refresh-grace", "refresh_token_grace", "text", "how long a replaced refresh token may come again, like 10s; 0s for not at all"},
	{"require-pkce", "require_pkce", "bool", "refuse a code flow without PKCE"},
	{"first-party", "first_party", "bool", "ours: people are not asked for consent"},
	{"unverified", "unverified", "bool", "people are warned, and shown which host they return to"},
}

// registration reads flags and --file into members.
type registration struct {
	names map[string]string
	file  string
}

func (g *registration) add(f *pflag.FlagSet) {
	f.StringToStringVar(&g.names, "name", nil, "the name people read, by language: --name en=Shop,ja=店")
	f.StringVar(&g.file, "file", "", "members of RFC 7591 as JSON, or a client as in clients.yaml; - is standard input")
	for _, one := range clientFlags {
		switch one.kind {
		case "list":
			f.StringArray(one.name, nil, one.help)
		case "bool":
			f.Bool(one.name, false, one.help)
		default:
			f.String(one.name, "", one.help)
		}
	}
}

// members gives what was said; flags win over the file.
func (g *registration) members(f *pflag.FlagSet, stdin io.Reader) (map[string]json.RawMessage, error) {
	all := map[string]json.RawMessage{}
	if g.file != "" {
		text, err := readInput(g.file, stdin)
		if err != nil {
			return nil, err
		}
		if all, err = clients.ReadMembers(text); err != nil {
			return nil, verbs.Usagef("--file %s: %v", g.file, err)
		}
	}
	set := func(name string, value any) {
		b, err := json.Marshal(value)
		if err != nil {
			panic(err) // texts, lists of texts and booleans
		}
		all[name] = b
	}
	if f.Changed("name") {
		set("client_name", g.names)
	}
	for _, one := range clientFlags {
		if !f.Changed(one.name) {
			continue
		}
		if one.member == "scopes" {
			delete(all, "scope") // the same, in the words of RFC 7591
		}
		switch one.kind {
		case "list":
			list, _ := f.GetStringArray(one.name)
			set(one.member, list)
		case "bool":
			yes, _ := f.GetBool(one.name)
			set(one.member, yes)
		default:
			set(one.member, f.Lookup(one.name).Value.String())
		}
	}
	return all, nil
}

func readInput(path string, stdin io.Reader) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(io.LimitReader(stdin, 1<<20))
	}
	return os.ReadFile(path)
}

// amended is c with the members set, filled up and checked. A client that needs a
// secret and has none gets one; one that needs none loses it. What was wrong with a
// registered client before does not stand in the way of a change to something else.
func amended(ctx context.Context, s *app.Services, c clients.Client, members map[string]json.RawMessage) (next clients.Client, secret string, err error) {
	all, err := resources(ctx, s)
	if err != nil {
		return c, "", err
	}
	judge := func(c clients.Client) clients.Problems {
		return append(c.CheckIn("client", s.Config.Setting()), c.CheckResources("client", all)...)
	}
	before := c
	var known clients.Problems
	if !c.RegisteredAt.IsZero() {
		known = judge(c)
	}
	problems := c.Amend("client", members)
	c.Default()
	switch {
	case !c.HasSecret():
		c.SecretDigests, c.OldSecretUntil = nil, nil
	case len(c.SecretDigests) == 0:
		secret = c.NewSecret(time.Time{})
	}
	for _, one := range judge(c) {
		if !slices.Contains(known, one) && !problems.Cover(one.Path) {
			problems = append(problems, one)
		}
	}
	if len(problems) == 0 && !c.SameSector(before) {
		problems = sector(ctx, s, c)
	}
	return c, secret, problems.Err()
}

// sector tells whether the redirect URIs are on the list that the client names.
func sector(ctx context.Context, s *app.Services, c clients.Client) clients.Problems {
	get := func(uri string) ([]byte, error) {
		return fetch.Get(ctx, fetch.Client(s.Config.Development), uri, "application/json")
	}
	if err := c.CheckSector(get); err != nil {
		return clients.Problems{{Path: "client.sector_identifier_uri", Message: err.Error(), Reason: "want a list that has every redirect URI"}}
	}
	return nil
}

// resources are those that clients may ask tokens for: what a running idp goes by, and
// what the file has for its next start.
func resources(ctx context.Context, s *app.Services) ([]clients.Resource, error) {
	all, err := s.Clients.Resources(ctx)
	if err != nil {
		return nil, err
	}
	filed, err := clients.ReadResources(s.Config.ClientsFile, s.Config.Development)
	if err != nil {
		return all, nil // the file is broken, of which a warning was printed
	}
	return append(slices.Clone(all), filed...), nil
}

// secretJSON is a client with the secret that is shown once.
type secretJSON struct {
	clientJSON
	Secret   string     `json:"client_secret,omitempty"`
	OldUntil *time.Time `json:"client_secret_old_valid_until,omitempty"`
}

func (p program) clientCreate() *cobra.Command {
	var (
		given  registration
		id     string
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Register a client; its secret is shown once",
		Long: "Register a client; its secret is shown once. --file takes the registration of some software as it\n" +
			"is, JSON with the members of RFC 7591 (client_name, client_name#ja, scope …), or one client in the\n" +
			"form of clients.yaml. Flags win over the file.",
		Example: "  idp client create --id shop --name en=Shop --redirect-uri https://shop.example/callback\n" +
			"  idp client create --file client.json --json",
		Args: cobra.NoArgs,
		RunE: verbs.Do(func(cmd *cobra.Command, _ []string) error {
			members, err := given.members(cmd.Flags(), p.In)
			if err != nil {
				return err
			}
			return p.Services(cmd.Context(), func(s *app.Services) error {
				c := clients.Client{ID: id, Source: clients.SourceCLI}
				switch {
				case id != "":
					delete(members, "client_id") // the flag wins
				case members["client_id"] == nil:
					c.ID = hex.EncodeToString(secret.Bytes(12)) // no dash in front, which would look like a flag
				}
				return given.wrongly(p.createClient(cmd.Context(), s, c, members, asJSON), cmd.Flags())
			})
		}),
	}
	given.add(cmd.Flags())
	cmd.Flags().StringVar(&id, "id", "", "client_id; random when it is not given")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p program) createClient(ctx context.Context, s *app.Services, c clients.Client, members map[string]json.RawMessage, asJSON bool) error {
	c, text, err := amended(ctx, s, c, members)
	if err != nil {
		return err
	}
	err = editor(s).Create(ctx, c)
	if fault.Is(err, fault.Conflict) {
		return fmt.Errorf("there is a client %s already; see: idp client show %s", c.ID, c.ID)
	}
	if err != nil {
		return err
	}
	return p.showSecret(secretJSON{clientJSON: clientJSON{c, c.Source, c.Disabled}, Secret: text}, asJSON)
}

func (p program) showSecret(c secretJSON, asJSON bool) error {
	if asJSON {
		return verbs.JSON(p.Out, c)
	}
	old := ""
	if c.OldUntil != nil {
		old = verbs.Time(c.OldUntil)
	}
	err := verbs.Facts(p.Out, [2]string{"client_id", c.ID}, [2]string{"client_secret", c.Secret}, [2]string{"the old one works until", old})
	if err == nil && c.Secret != "" {
		_, err = fmt.Fprintln(p.Out, "The secret is shown this once; only its digest is kept.")
	}
	return err
}

func editor(s *app.Services) clients.Editor {
	return clients.Editor{Registry: s.Clients, Audit: s.Audit, Actor: "cli"}
}
