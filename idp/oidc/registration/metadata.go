package registration

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"tegata/idp/clients"
	"tegata/idp/oidc/wire"
	"tegata/shared/fetch"
	"tegata/shared/limit"
)

// maxRegistration bounds a registration request, in bytes.
const maxRegistration = 32 << 10

// fetching bounds calls to the lists of sectors that one client names, as often as it
// changes its addresses.
var fetching = limit.Rule{Name: "fetch.sector", Burst: 60, Every: time.Second}

// readMetadata reads a registration request: one JSON object.
func readMetadata(w http.ResponseWriter, r *http.Request) (map[string]json.RawMessage, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, wire.Refuse("invalid_client_metadata", "The body has to be application/json.")
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRegistration))
	if err != nil {
		return nil, wire.Unread("invalid_client_metadata", err)
	}
	return parseMetadata(text)
}

func parseMetadata(text []byte) (map[string]json.RawMessage, error) {
	var said map[string]json.RawMessage
	if err := json.Unmarshal(text, &said); err != nil || said == nil {
		return nil, wire.Refuse("invalid_client_metadata", "The body has to be one JSON object.")
	}
	return said, strict(text)
}

// applyMetadata puts what a client says about itself into its registration and checks
// all of it. clear is its new secret, if it needs one and has none.
func (h *Handler) applyMetadata(ctx context.Context, c *clients.Client, said map[string]json.RawMessage) (clear string, err error) {
	before := slices.Clone(c.RedirectURIs)
	sector := c.SectorIdentifierURI
	problems := c.Apply(said)
	if c.HasSecret() && len(c.SecretDigests) == 0 {
		clear = c.NewSecret(time.Time{})
	}
	c.Default()
	problems = append(problems, c.Check("", h.Development)...)
	if len(problems) > 0 {
		return "", refusal(worst(problems), said)
	}
	if err := h.fits(c); err != nil {
		return "", err
	}
	if c.SectorIdentifierURI != "" && (c.SectorIdentifierURI != sector || !slices.Equal(before, c.RedirectURIs)) {
		err = h.checkSector(ctx, c)
	}
	return clear, err
}

// worst is the problem that is told: one of an address before all others.
func worst(problems clients.Problems) clients.Problem {
	for _, one := range problems {
		if strings.HasPrefix(one.Path, ".redirect_uris") {
			return one
		}
	}
	return problems[0]
}

// refusal tells a problem to the developer of the client.
func refusal(one clients.Problem, said map[string]json.RawMessage) *wire.Refusal {
	member, _, _ := strings.Cut(strings.TrimPrefix(one.Path, "."), ".")
	if member == "token_exchange" || member == "assertion_issuers" {
		return misfit("grant_types", "only an operator can allow one of these grants")
	}
	return misfit(named(one.Path, said), one.Reason)
}

// named gives the member that a problem is about in the words of who sent it: we keep some
// under other names, and fill some up from others.
func named(path string, said map[string]json.RawMessage) string {
	path = strings.TrimPrefix(path, ".")
	member, rest, _ := strings.Cut(path, ".")
	_, grants := said["grant_types"]
	_, responses := said["response_types"]
	switch {
	case member == "client_name":
		return sentName(rest, said)
	case path == "grant_types" && !grants && responses:
		return "response_types"
	case path == "response_types" && !responses && grants:
		return "grant_types"
	}
	return path
}

// sentName is the member that a name with the tag came as, client_name when none did.
func sentName(tag string, said map[string]json.RawMessage) string {
	for _, member := range slices.Sorted(maps.Keys(said)) {
		if sent, ok := clients.NameTag(member); ok && sent == tag {
			return member
		}
	}
	return "client_name"
}

// misfit is the refusal of a value, in the words that an operator would read. It names the
// member and nothing that was sent; the characters are those of RFC 6749 §5.2.
func misfit(path, reason string) *wire.Refusal {
	path = strings.TrimPrefix(path, ".")
	code := "invalid_client_metadata"
	if strings.HasPrefix(path, "redirect_uris") {
		code = "invalid_redirect_uri"
	}
	if !plain(path) || len(path) > 80 {
		path = "client_name" // in a language that does not exist
	}
	if !plain(reason) || reason == "" {
		reason = "this value is not accepted here"
	}
	return wire.Refuse(code, path+": "+reason+".")
}

// plain tells whether the text may be in an error_description.
func plain(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return wire.Unprintable(r) || r == '"' || r == '\\' })
}

// fits checks what Check cannot know: what is switched on here, and that a stranger's
// log-in starts at https even in development (Third-Party Initiated Login).
func (h *Handler) fits(c *clients.Client) error {
	for _, one := range c.ResponseTypes {
		if !slices.Contains(h.ResponseTypes, clients.ResponseType(one)) {
			return misfit("response_types", "want one of "+strings.Join(h.ResponseTypes, ", "))
		}
	}
	if c.InitiateLoginURI != "" && !strings.HasPrefix(c.InitiateLoginURI, "https://") {
		return misfit("initiate_login_uri", "want https")
	}
	return nil
}

// checkSector checks that the addresses of a client belong to the sector it names, by
// the list that lies there. OIDC Core §8.1, OIDC Registration §5.
func (h *Handler) checkSector(ctx context.Context, c *clients.Client) error {
	refused := misfit("sector_identifier_uri", "want an https address of a list that has every redirect URI") // one sentence for all reasons: A-057
	if !strings.HasPrefix(c.SectorIdentifierURI, "https://") && !h.Development {
		return refused
	}
	if err := h.Limit.Take(ctx, fetching, c.ID, h.Clock()); err != nil {
		return err
	}
	text, err := fetch.Get(ctx, h.Outbound, c.SectorIdentifierURI, "application/json")
	if err != nil {
		return refused.Because(err)
	}
	var listed []string
	if err := json.Unmarshal(text, &listed); err != nil {
		return refused.Because(err)
	}
	for _, uri := range c.RedirectURIs {
		if !slices.Contains(listed, uri) {
			return refused.Because(errors.New("a redirect URI is not listed there"))
		}
	}
	return nil
}
