package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// conn is a keep-alive connection that speaks as much HTTP/1.1 as the servers answer
// with. net/http's client takes more CPU for a request than the server for most of its
// answers, and both share the machine.
type conn struct {
	net net.Conn
	r   *bufio.Reader
	got answer

	packed, plain []byte // the last gzipped body, and what was in it
}

// answer is one response. It is good until the next request on its connection.
type answer struct {
	status   int
	location []byte
	cookies  [][]byte // values of Set-Cookie
	body     []byte
	gzipped  bool // as it came
	closes   bool
}

// patience is how long an answer may take: longer than the servers give themselves.
const patience = 60 * time.Second

func dial(addr string) (*conn, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &conn{net: c, r: bufio.NewReaderSize(c, 8<<10)}, nil
}

func (c *conn) close() { c.net.Close() }

// do sends a whole request and reads the whole answer.
func (c *conn) do(request []byte) (*answer, error) {
	c.net.SetDeadline(time.Now().Add(patience))
	if _, err := c.net.Write(request); err != nil {
		return nil, err
	}
	a := &c.got
	*a = answer{location: a.location[:0], cookies: a.cookies[:0], body: a.body[:0]}
	line, err := c.line()
	if err != nil {
		return nil, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return nil, fmt.Errorf("no HTTP/1.1 answer: %q", line)
	}
	if a.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return nil, err
	}
	length, chunked, err := c.header(a)
	switch {
	case err != nil:
		return nil, err
	case chunked:
		err = c.chunks(a)
	case length > 0:
		err = c.read(a, length)
	case length < 0 && a.status != 204 && a.status != 304:
		return nil, errors.New("an answer without Content-Length")
	}
	if err == nil && a.gzipped {
		err = c.unpack(a)
	}
	return a, err
}

// unpack puts what is in a gzipped body in its place. The bytes that came the last time
// are not unpacked again: that costs more than the server took to send them.
func (c *conn) unpack(a *answer) error {
	if !bytes.Equal(a.body, c.packed) {
		z, err := gzip.NewReader(bytes.NewReader(a.body))
		if err != nil {
			return err
		}
		plain, err := io.ReadAll(z)
		if err != nil {
			return err
		}
		c.packed, c.plain = bytes.Clone(a.body), plain
	}
	a.body = append(a.body[:0], c.plain...)
	return nil
}

// header reads the header lines that matter here.
func (c *conn) header(a *answer) (length int, chunked bool, err error) {
	length = -1
	for {
		line, err := c.line()
		if err != nil || len(line) == 0 {
			return length, chunked, err
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case is(name, "content-length"):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, false, err
			}
		case is(name, "transfer-encoding"):
			chunked = is(value, "chunked")
		case is(name, "content-encoding"):
			a.gzipped = is(value, "gzip")
		case is(name, "location"):
			a.location = append(a.location, value...)
		case is(name, "set-cookie"):
			a.cookies = append(a.cookies, bytes.Clone(value))
		case is(name, "connection"):
			a.closes = is(value, "close")
		}
	}
}

func is(name []byte, want string) bool {
	return len(name) == len(want) && bytes.EqualFold(name, []byte(want))
}

// line reads a line without its end; it is good until the next read.
func (c *conn) line() ([]byte, error) {
	line, err := c.r.ReadSlice('\n')
	return bytes.TrimRight(line, "\r\n"), err
}

func (c *conn) read(a *answer, n int) error {
	was := len(a.body)
	if cap(a.body) < was+n {
		a.body = append(make([]byte, 0, was+n), a.body...)
	}
	a.body = a.body[:was+n]
	_, err := io.ReadFull(c.r, a.body[was:])
	return err
}

// chunks reads a body of unknown length. RFC 9112 §7.1.
func (c *conn) chunks(a *answer) error {
	for {
		line, err := c.line()
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(string(line), 16, 32)
		if err != nil {
			return err
		}
		if err := c.read(a, int(n)); err != nil {
			return err
		}
		if _, err := c.line(); err != nil || n == 0 {
			return err
		}
	}
}
