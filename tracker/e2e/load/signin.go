package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
)

// settle is a caller's beginning: its person logs in, by pages and password, and
// allows both clients what they want. After it the caller has a session and one token
// of each kind.
func (c *caller) settle() error {
	if err := c.logIn(); err != nil {
		return err
	}
	code, err := c.ask(clientOffline, "openid%20offline_access&prompt=consent")
	if err != nil {
		return err
	}
	a, err := c.redeem(basic(clientOffline), code)
	if err := want(a, err, 200, `"refresh_token"`); err != nil {
		return err
	}
	token, err := member(a.body, "refresh_token")
	c.refresh = bytes.Clone(token)
	return err
}

// logIn is everything a person does who comes from a client and is not signed in: the
// request, the pages with their forms, back with the code, and its tokens. The
// caller has the new session then, or still the old one when it was refused.
func (c *caller) logIn() error {
	c.typed = true
	was := c.cookie
	c.cookie = ""
	code, err := c.ask(clientWeb, webScopes)
	if err != nil {
		c.cookie = was
		return err
	}
	return c.tokens(code)
}

// ask sends an authorization request and answers whatever pages come, until there is
// a code. Every log-in comes from another place, as those of many people do.
func (c *caller) ask(client, scopes string) (code []byte, err error) {
	c.place = fmt.Sprintf("10.%d.%d.%d", rand.N(256), rand.N(256), 1+rand.N(254))
	defer func() { c.place = "" }()
	path := c.authorizePath(client, scopes)
	a, err := c.visit(path)
	for range 16 {
		if err != nil {
			return nil, err
		}
		c.keep(a.cookies)
		switch {
		case a.status/100 == 3 && bytes.HasPrefix(a.location, []byte(redirectURI)):
			return codeIn(a.location)
		case a.status/100 == 3:
			if path, err = c.local(string(a.location)); err == nil {
				a, err = c.visit(path)
			}
		case a.status == 200:
			form := c.to.fill(c, path, string(a.body))
			path, _, _ = strings.Cut(path, "?")
			a, err = c.press(path, form)
		default:
			return nil, fmt.Errorf("%s: status %d: %.300s", path, a.status, a.body)
		}
	}
	return nil, errors.New("the pages lead nowhere: " + path)
}

// local is the path and query of where the server leads.
func (c *caller) local(location string) (string, error) {
	u, err := url.Parse(location)
	if err == nil && u.Host != "" && u.Host != c.to.host {
		err = errors.New("the provider leads to " + location)
	}
	if err != nil {
		return "", err
	}
	return u.RequestURI(), nil
}

// keep remembers cookies. Their paths are left out: it does no harm to send one more.
func (c *caller) keep(set [][]byte) {
	for _, one := range set {
		pair, _, _ := strings.Cut(string(one), ";")
		name, value, _ := strings.Cut(pair, "=")
		all := slices.DeleteFunc(strings.Split(c.cookie, "; "), func(had string) bool {
			return had == "" || strings.HasPrefix(had, name+"=")
		})
		if value != "" {
			all = append(all, pair)
		}
		c.cookie = strings.Join(all, "; ")
	}
}

// codeIn gives the code of an answer to the client.
func codeIn(location []byte) ([]byte, error) {
	_, rest, ok := bytes.Cut(location, []byte("code="))
	code, _, _ := bytes.Cut(rest, []byte("&"))
	if !ok || len(code) == 0 {
		return nil, fmt.Errorf("no code: %s", location)
	}
	return bytes.Clone(code), nil
}
