package main

import (
	"net/url"
	"time"
)

// line is one line of the table: something that callers do again and again.
type line struct {
	name string
	aim  float64 // at most so many times the CPU of the fixed answer; 0: no aim
	do   func(*caller) error

	prepare func(*target, int) error // makes so many of what do uses up; nil: nothing
	often   int                      // how many of them a second at most

	apart *part // of what do does, something that is told apart from the rest; nil: nothing
}

// part is what a line does now and then, and what would hide how the rest does.
type part struct {
	name, rest string             // how the tables call the part, and what is not it
	is         func(*caller) bool // whether the caller has just done it
	why        string             // it is told apart
}

// ready makes what a stretch of d uses up.
func (l line) ready(to *target, d time.Duration) error {
	if l.prepare == nil {
		return nil
	}
	return l.prepare(to, int(d.Seconds()*float64(l.often))+1)
}

// The names of lines that others speak of.
const (
	nameFixed    = "fixed answer"
	nameCodeFlow = "signed-in code flow"
	nameRefresh  = "refresh"
)

// fixedLine is the measure.
var fixedLine = line{name: nameFixed, do: func(c *caller) error {
	a, err := c.get("/", "")
	return want(a, err, 200, "fixed")
}}

// lines are what a provider is measured by. The aims are ours.
var lines = []line{
	{name: "discovery", aim: 1.2, do: func(c *caller) error {
		a, err := c.get(c.to.at.discovery, "")
		return want(a, err, 200, `"issuer"`)
	}},
	{name: "JWKS", aim: 1.2, do: func(c *caller) error {
		a, err := c.get(c.to.at.jwks, "")
		return want(a, err, 200, `"keys"`)
	}},
	{name: "client_credentials", aim: 5, do: func(c *caller) error {
		a, err := c.post(c.to.at.token, itself, []byte("grant_type=client_credentials"))
		return want(a, err, 200, `"access_token"`)
	}},
	{name: nameCodeFlow, aim: 15, do: (*caller).codeFlow},
	{name: nameRefresh, aim: 8, do: (*caller).renew},
	{name: "userinfo", aim: 3, do: (*caller).userinfo},
	{name: "introspection", aim: 3.5, do: (*caller).introspect},
}

// ours are lines for our own provider alone.
var ours = []line{
	{name: "client_credentials, private_key_jwt", do: (*caller).assert, prepare: (*target).sign, often: 6000},
	{name: "mix", do: (*caller).mixed, apart: &part{
		name: "mix, password log-ins", rest: "mix, without passwords", is: func(c *caller) bool { return c.typed },
		why: "A password log-in has no aim of its own: one Argon2id hash takes more CPU by itself than the aim allows for a whole answer, and is meant to.",
	}},
}

var (
	itself  = basic(clientMachine)
	web     = basic(clientWeb)
	offline = basic(clientOffline)
)

const webScopes = "openid%20profile%20email"

// codeFlow is authorize → code → token of somebody who is signed in and has allowed
// the client before, with state, nonce and PKCE.
func (c *caller) codeFlow() error {
	a, err := c.visit(c.authorizePath(clientWeb, webScopes))
	if err != nil {
		return err
	}
	if a.status/100 != 3 {
		return want(a, nil, 303, "")
	}
	code, err := codeIn(a.location)
	if err != nil {
		return err
	}
	return c.tokens(code)
}

var escapedRedirect = url.QueryEscape(redirectURI)

func (c *caller) authorizePath(client, scopes string) string {
	state, challenge := c.fresh()
	return c.to.at.authorize + "?client_id=" + client + "&redirect_uri=" + escapedRedirect + "&response_type=code&state=" + state +
		"&nonce=" + state + "&code_challenge=" + challenge + "&code_challenge_method=S256&scope=" + scopes
}

// tokens trades the code of the web client and keeps the access token.
func (c *caller) tokens(code []byte) error {
	a, err := c.redeem(web, code)
	if err := want(a, err, 200, `"id_token"`); err != nil {
		return err
	}
	token, err := member(a.body, "access_token")
	c.access = append(c.access[:0], token...)
	return err
}

func (c *caller) redeem(authorization string, code []byte) (*answer, error) {
	form := make([]byte, 0, 256)
	form = append(append(form, "grant_type=authorization_code&redirect_uri="+escapedRedirect+"&code="...), code...)
	form = append(append(form, "&code_verifier="...), c.verifier...)
	return c.post(c.to.at.token, authorization, form)
}

// renew uses the refresh token and keeps the new one where it rotates.
func (c *caller) renew() error {
	form := append([]byte("grant_type=refresh_token&refresh_token="), c.refresh...)
	a, err := c.post(c.to.at.token, offline, form)
	if err := want(a, err, 200, `"id_token"`); err != nil {
		return err
	}
	if token, err := member(a.body, "refresh_token"); err == nil {
		c.refresh = append(c.refresh[:0], token...)
	}
	return nil
}

func (c *caller) userinfo() error {
	a, err := c.get(c.to.at.userinfo, "Bearer "+string(c.access))
	return want(a, err, 200, `"email"`)
}

// introspect asks about an access token of a person, as the client that has it.
func (c *caller) introspect() error {
	a, err := c.post(c.to.at.introspect, web, append([]byte("token="), c.access...))
	return want(a, err, 200, `"active":true`)
}

// shares is the mix, twenty in a round: 10 % log-ins by password, 50 % signed-in code
// flows, 20 % refresh, 15 % userinfo, 5 % introspection, well stirred.
var shares = [...]func(*caller) error{
	(*caller).codeFlow, (*caller).renew, (*caller).codeFlow, (*caller).userinfo, (*caller).logIn,
	(*caller).codeFlow, (*caller).renew, (*caller).codeFlow, (*caller).userinfo, (*caller).codeFlow,
	(*caller).introspect, (*caller).codeFlow, (*caller).renew, (*caller).codeFlow, (*caller).logIn,
	(*caller).codeFlow, (*caller).userinfo, (*caller).codeFlow, (*caller).renew, (*caller).codeFlow,
}

func (c *caller) mixed() error {
	c.turn++
	c.typed = false
	return shares[c.turn%len(shares)](c)
}
