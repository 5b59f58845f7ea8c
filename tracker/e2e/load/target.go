package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// target is a server under load, with the people and clients it knows.
type target struct {
	name     string
	addr     string // where it listens
	host     string // what requests call it
	issuer   string
	at       endpoints
	process  *process
	database *database // nil: the database is part of the process, or there is none
	metrics  string    // URL of its Prometheus metrics, "" for none
	profile  string    // where it gives profiles, when it was built for that
	people   []person

	// fill gives what a person types into the page at path.
	fill func(c *caller, path, page string) (form string)

	pool       []*caller
	assertions assertions
}

// endpoints are the paths that discovery names.
type endpoints struct{ discovery, jwks, authorize, token, userinfo, introspect string }

// The clients that every target has registered, each with the same secret. The first
// two speak for people, the others for themselves.
const (
	clientWeb     = "load-web"     // authorization_code
	clientOffline = "load-offline" // and refresh_token
	clientMachine = "load-machine" // client_credentials
	clientSigner  = "load-signer"  // client_credentials with private_key_jwt

	clientSecret = "load-secret-that-is-long-enough-to-be-one"
	redirectURI  = "http://localhost:1/cb" // nobody listens: the code is read from Location
)

type person struct{ email, password string }

// discover reads the endpoints from the metadata, as relying parties do.
func (t *target) discover() error {
	const path = "/.well-known/openid-configuration"
	resp, err := http.Get(t.issuer + path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var m struct {
		JWKS       string `json:"jwks_uri"`
		Authorize  string `json:"authorization_endpoint"`
		Token      string `json:"token_endpoint"`
		Userinfo   string `json:"userinfo_endpoint"`
		Introspect string `json:"introspection_endpoint"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&m); err != nil {
		return err
	}
	t.at.discovery = path
	for _, one := range []struct {
		to   *string
		from string
	}{
		{&t.at.jwks, m.JWKS}, {&t.at.authorize, m.Authorize}, {&t.at.token, m.Token},
		{&t.at.userinfo, m.Userinfo}, {&t.at.introspect, m.Introspect},
	} {
		u, err := url.Parse(one.from)
		if err != nil || !strings.HasPrefix(u.Path, "/") {
			return fmt.Errorf("%s: discovery has no good endpoint: %q", t.name, one.from)
		}
		*one.to = u.Path
	}
	return nil
}

// callers gives so many callers with open connections. Those of an OpenID Provider are
// signed in, each in a session of its own, which costs a log-in the first time.
func (t *target) callers(n int) ([]*caller, error) {
	if err := t.grow(n); err != nil {
		return nil, err
	}
	for _, c := range t.pool[:n] {
		if err := c.connect(); err != nil {
			return nil, err
		}
	}
	return t.pool[:n], nil
}

// atOnce is how many log in at a time: more would wait for the hashing queue.
const atOnce = 4

func (t *target) grow(n int) error {
	var (
		group sync.WaitGroup
		slots = make(chan struct{}, atOnce)
		wrong = make([]error, max(n, len(t.pool)))
	)
	for i := len(t.pool); i < n; i++ {
		c := newCaller(t, i)
		t.pool = append(t.pool, c)
		if len(t.people) == 0 {
			continue
		}
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			wrong[i] = c.settle()
		})
	}
	group.Wait()
	for _, err := range wrong {
		if err != nil {
			t.pool = nil
			return fmt.Errorf("%s: log in: %w", t.name, err)
		}
	}
	return nil
}

// forget lets all callers go; the next ones log in anew.
func (t *target) forget() {
	t.rest()
	t.pool = nil
}

// rest closes all connections, so that the server has nothing to hold.
func (t *target) rest() {
	for _, c := range t.pool {
		c.hangUp()
	}
}

func (t *target) dbCPU() time.Duration {
	if t.database == nil {
		return 0
	}
	return t.database.cpu()
}
