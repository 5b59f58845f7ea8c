package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tegata/shared/program/programtest"
)

// profiled is a file that -profile adds to idp: the program that is shipped has no
// door for profiles. Its name is one that no file of idp has.
const (
	profiled = `package main

import (
	"net/http"
	_ "net/http/pprof"
	"os"
)

func init() { go http.ListenAndServe(os.Getenv("TEGATA_LOAD_PROFILE"), nil) }
`
	profiledName = "zz_profiled.go"
)

// overlay tells `go build` of that file without writing it into the tree.
func (b *bench) overlay() (path string, err error) {
	// No .go at its end: what a run that was killed leaves in var is no package of ./...
	source, path := filepath.Join(b.folder, "profiled"), filepath.Join(b.folder, "overlay.json")
	text, err := json.Marshal(map[string]map[string]string{"Replace": {programtest.Root("idp/" + profiledName): source}})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(source, []byte(profiled), 0o600); err != nil {
		return "", err
	}
	return path, os.WriteFile(path, text, 0o600)
}

// profileLine keeps what the server's CPU does under one line, for `go tool pprof`.
func (b *bench) profileLine(to *target, l line, callers int) error {
	if b.profile == "" {
		return nil
	}
	seconds := max(1, int(b.each.Seconds()))
	wrong := make(chan error, 1)
	go func() {
		name := fmt.Sprintf("%s-%s-%d.pb.gz", to.name, strings.NewReplacer(" ", "-", ",", "").Replace(l.name), callers)
		wrong <- save(fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", to.profile, seconds), filepath.Join(b.profile, name))
	}()
	if _, err := drive(to, l, callers, time.Duration(seconds)*time.Second+200*time.Millisecond); err != nil {
		return err
	}
	return <-wrong
}

func save(url, path string) error {
	resp, err := http.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, resp.Body); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
