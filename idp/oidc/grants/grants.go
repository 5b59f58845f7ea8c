// Package grants keeps what clients were granted: for each authorization that was redeemed
// a row of the table grants, from which all of its tokens live and with which they end.
//
//	grants.go        Grant: what is written, once; the use of a code is its grant
//	login.go         LogIn: what codes, tokens and grants say about the log-in
//	accesstoken.go   AccessToken: what one says by itself; it has no row
//	refreshtoken.go  RefreshToken, and the family that a grant keeps of them
//	rotation.go      how one that came stands, and which one follows
//	token.go         Token: one that came, with what became of its grant
//	store.go         Store: writes grants, ends and sweeps them
//	store_refresh.go puts one refresh token in the place of another
//	store_tokens.go  finds out what became of a token; store_row.go: by which statements
//
// A code, an access token and a refresh token name their grant. There can be one grant of a
// name, so who writes the grant of a code has redeemed it (Insert), and one that is over
// from the beginning keeps others from that (Burn). A grant has at most one live refresh
// token, decided by one conditional UPDATE (Renew). Whoever brings a token is told what
// became of everything that it hangs on: token, grant, session, client, account and
// consent, in one statement (Access, Refresh); few grants hang on more and need a second.
//
// What a request may have is for the caller to decide, and so is how that is answered.
package grants

import (
	"slices"
	"strings"
	"time"

	"tegata/idp/connections"
	"tegata/idp/oidc/claims"
	"tegata/idp/oidc/object"
	"tegata/idp/oidc/tokens"
)

// Grant is one redeemed authorization, as it is written.
type Grant struct {
	ID         string
	Client     string
	Registered time.Time // the client: which of those that had the id
	Scopes     []string
	LogIn      *LogIn
	Offline    bool      // outlives its session
	ExpiresAt  time.Time // of its longest token
	AskedAt    time.Time // when the person, or the client on their behalf, asked; zero: just now

	Refresh *RefreshToken       // its first one; nil: none
	Bound   tokens.Confirmation // of its refresh token
	Until   time.Time           // when its refresh token ends

	Derived bool   // no log-in led to it: see InsertDerived
	Root    string // the grant that this one ends with, "" for none
}

// Front names the grant of an access token that comes through the browser beside a code of
// that id, before there is a grant of the code. Whoever knows the one knows the other, so End
// finds both, and nothing has to be written or read to tie them.
func Front(code string) string { return code + "/front" }

// args are the parameters of grantInto.
func (g Grant) args(now time.Time) ([]any, error) {
	kept := *g.LogIn
	kept.Nonce, kept.DPoPKey = "", "" // they were the code's
	kept.AccountID, kept.SID = "", "" // they have columns
	about, err := object.Marshal(&kept)
	if err != nil {
		return nil, err
	}
	var root *string
	if g.Root != "" {
		root = &g.Root
	}
	var turn int64
	var family, digest []byte
	var until *time.Time
	if g.Refresh != nil {
		turn, family, digest, until = g.Refresh.Turn, g.Refresh.familyDigest(), g.Refresh.digest(), &g.Until
	}
	return []any{
		g.ID, g.Client, strings.Join(g.Scopes, " "), g.Offline, string(about), now, g.ExpiresAt, root,
		turn, family, digest, g.Bound.Text(), until,
	}, nil
}

// use is that the client gets tokens, so that people see it and it is told when the
// session ends. A grant that derives from one that outlives its session is noted with the
// session if that goes on.
func (g Grant) use(now time.Time) connections.Use {
	return connections.Use{
		SessionID: g.LogIn.SID, ClientID: g.Client, AccountID: g.LogIn.AccountID, Subject: g.LogIn.Subject,
		Scopes:  claims.WithCarriers(g.Scopes, slices.Concat(g.LogIn.Userinfo, g.LogIn.IDToken)),
		AskedAt: g.asked(now), Outlives: g.Derived && g.Offline,
	}
}

func (g Grant) asked(now time.Time) time.Time {
	if g.AskedAt.IsZero() {
		return now
	}
	return g.AskedAt
}
