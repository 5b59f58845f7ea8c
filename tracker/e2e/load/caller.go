package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"time"
)

// caller is one of those who call at once: a browser and its client's server in one.
// It has one connection, and builds each request in the same buffer.
type caller struct {
	to       *target
	who      person
	number   int
	conn     *conn
	usedAt   time.Time
	out      []byte
	count    uint64 // of what has to be fresh: state, nonce, verifier
	turn     int    // of the mix
	verifier []byte

	cookie  string // of its session
	place   string // X-Forwarded-For; limits count by place
	access  []byte
	refresh []byte
}

func newCaller(to *target, number int) *caller {
	c := &caller{to: to, number: number, turn: 7 * number, count: uint64(number) << 40}
	if len(to.people) > 0 {
		c.who = to.people[number%len(to.people)]
	}
	return c
}

// stale is after how long a connection may have been closed by the server.
const stale = 4 * time.Second

// connect opens the connection, or keeps the one that was used a moment ago.
func (c *caller) connect() (err error) {
	if c.conn != nil && time.Since(c.usedAt) < stale {
		return nil
	}
	c.hangUp()
	c.conn, err = dial(c.to.addr)
	c.usedAt = time.Now()
	return err
}

func (c *caller) hangUp() {
	if c.conn != nil {
		c.conn.close()
		c.conn = nil
	}
}

// send makes the request that out holds.
func (c *caller) send() (*answer, error) {
	if c.conn == nil {
		if err := c.connect(); err != nil {
			return nil, err
		}
	}
	a, err := c.conn.do(c.out)
	c.usedAt = time.Now()
	if err != nil || a.closes {
		c.hangUp()
	}
	return a, err
}

// visit is the browser asking for a path, with its cookies.
func (c *caller) visit(path string) (*answer, error) {
	c.begin("GET ", path)
	c.header("Cookie: ", c.cookie)
	c.header("X-Forwarded-For: ", c.place)
	c.out = append(c.out, "\r\n"...)
	return c.send()
}

// press is the browser sending a form.
func (c *caller) press(path, form string) (*answer, error) {
	c.begin("POST ", path)
	c.header("Cookie: ", c.cookie)
	c.header("X-Forwarded-For: ", c.place)
	return c.form([]byte(form))
}

// get is the client's server asking for a path; authorization is the whole value of
// that header, or "".
func (c *caller) get(path, authorization string) (*answer, error) {
	c.begin("GET ", path)
	c.header("Authorization: ", authorization)
	c.out = append(c.out, "\r\n"...)
	return c.send()
}

// post is the client's server sending a form.
func (c *caller) post(path, authorization string, form []byte) (*answer, error) {
	c.begin("POST ", path)
	c.header("Authorization: ", authorization)
	return c.form(form)
}

func (c *caller) form(form []byte) (*answer, error) {
	c.out = append(c.out, "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "...)
	c.out = strconv.AppendInt(c.out, int64(len(form)), 10)
	c.out = append(append(c.out, "\r\n\r\n"...), form...)
	return c.send()
}

// begin asks as relying parties do: the clients of Go and Node and every browser take
// answers gzipped without being told to.
func (c *caller) begin(method, path string) {
	const head = " HTTP/1.1\r\nUser-Agent: load\r\nAccept: */*\r\nAccept-Encoding: gzip\r\nHost: "
	c.out = append(append(append(append(c.out[:0], method...), path...), head...), c.to.host...)
	c.out = append(c.out, "\r\n"...)
}

func (c *caller) header(name, value string) {
	if value != "" {
		c.out = append(append(append(c.out, name...), value...), "\r\n"...)
	}
}

// want is an answer's status and something in its body.
func want(a *answer, err error, status int, part string) error {
	switch {
	case err != nil:
		return err
	case a.status != status:
		return fmt.Errorf("status %d, want %d: %.200s", a.status, status, a.body)
	case !bytes.Contains(a.body, []byte(part)):
		return fmt.Errorf("an answer without %s: %.200s", part, a.body)
	}
	return nil
}

// member gives the text of a member of a JSON answer.
func member(body []byte, name string) ([]byte, error) {
	_, rest, ok := bytes.Cut(body, []byte(`"`+name+`"`))
	if ok {
		_, rest, ok = bytes.Cut(rest, []byte(`"`))
	}
	value, _, closed := bytes.Cut(rest, []byte(`"`))
	if !ok || !closed {
		return nil, fmt.Errorf("an answer without %s: %.200s", name, body)
	}
	return value, nil
}

// fresh makes a new state, nonce and PKCE verifier and gives the first two and the
// challenge: providers watch for clients that send the same ones again.
func (c *caller) fresh() (state string, challenge string) {
	c.count++
	state = fmt.Sprintf("%016x", c.count)
	c.verifier = append(append(c.verifier[:0], "load-load-load-load-load-le"...), state...)
	sum := sha256.Sum256(c.verifier)
	return state, base64.RawURLEncoding.EncodeToString(sum[:])
}

// basic is the Authorization value of a client with its secret. RFC 6749 §2.3.1.
func basic(client string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(client+":"+clientSecret))
}
