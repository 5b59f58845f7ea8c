package main

import (
	"bytes"
	"embed"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed peer/package.json peer/package-lock.json peer/server.mjs
var peerFiles embed.FS

// Two and a half times on the lines that a sign-in is made of, level on the others.
const (
	peerSignIn = 2.5
	peerLevel  = 1
)

// peer measures idp and npm's oidc-provider in turns: the same load, the same cores,
// keys for ES256; the peer keeps everything in memory, we commit to the disk.
func (b *bench) peer() error {
	other, err := b.startPeer()
	if err != nil {
		b.out.left("npm's oidc-provider", err)
		return nil
	}
	defer other.process.stop()
	p, err := b.provider("beside", "")
	if err != nil {
		return err
	}
	defer p.process.stop()
	t := b.out.table("idp beside npm's oidc-provider", "in turns; the peer in memory, idp on SQLite with durable commits")
	const callers = 16
	for _, l := range b.chosen(lines) {
		other.forget() // its memory holds a thousand things and drops the oldest
		var mine, theirs window
		if _, err := drive(other, l, callers, b.each/3); err != nil { // lets its compiler see the code
			return err
		}
		for range max(1, int(b.each/stretch)) {
			one, err := drive(p.target, l, callers, stretch)
			if err != nil {
				return err
			}
			mine.add(one)
			if one, err = drive(other, l, callers, stretch); err != nil {
				return err
			}
			theirs.add(one)
		}
		least := float64(peerLevel)
		if l.name == nameCodeFlow || l.name == nameRefresh {
			least = peerSignIn
		}
		r := rowOf(l, callers, &mine)
		r.Aims = []aim{
			atLeast("× peer's rate", ratio(mine.perSecond(), theirs.perSecond()), least),
			atLeast("× peer's per CPU-s", ratio(mine.perCPU(), theirs.perCPU()), least),
		}
		t.add(r)
		r = rowOf(l, callers, &theirs)
		r.Line = "  oidc-provider"
		t.add(r)
	}
	return nil
}

// startPeer installs the peer and starts it.
func (b *bench) startPeer() (*target, error) {
	folder := filepath.Join(filepath.Dir(b.folder), "peer")
	if err := installPeer(folder); err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	host := fmt.Sprintf("localhost:%d", port)
	t := &target{name: "oidc-provider", addr: fmt.Sprintf("127.0.0.1:%d", port), host: host, issuer: "http://" + host,
		people: []person{{"load@example.org", "any"}}, fill: fillPeer}
	t.process, err = launch(b.folder, "peer", []string{"NODE_ENV=production"}, "node", filepath.Join(folder, "server.mjs"), fmt.Sprint(port), clientSecret)
	if err != nil {
		return nil, err
	}
	if _, err := t.process.ready(t.issuer + "/.well-known/openid-configuration"); err != nil {
		return nil, err
	}
	return t, t.discover()
}

// installPeer fetches what the lock file pins, unless it is there already.
func installPeer(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	var lock []byte
	for _, name := range []string{"package.json", "server.mjs", "package-lock.json"} {
		text, err := peerFiles.ReadFile("peer/" + name)
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name), text, 0o644)
		}
		if err != nil {
			return err
		}
		lock = text
	}
	stamp := filepath.Join(folder, "installed.json")
	if done, err := os.ReadFile(stamp); err == nil && bytes.Equal(done, lock) {
		return nil
	}
	install := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	install.Dir = folder
	if out, err := install.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	return os.WriteFile(stamp, lock, 0o644)
}

// fillPeer types into the peer's pages for trying it out.
func fillPeer(c *caller, _, page string) string {
	if strings.Contains(page, `value="login"`) {
		return url.Values{"prompt": {"login"}, "login": {c.who.email}, "password": {c.who.password}}.Encode()
	}
	return "prompt=consent"
}
