package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Text wants between min and max characters, none of them a control character.
func (p *Problems) Text(path, value string, least, most int) {
	n := len([]rune(value))
	switch {
	case n == 0 && least > 0:
		p.Add(path, "is missing")
	case n < least || n > most:
		p.Add(path, "has %d characters, want %d to %d", n, least, most)
	case strings.ContainsFunc(value, unicode.IsControl):
		p.Add(path, "holds control characters")
	}
}

// OneOf wants one of the values.
func (p *Problems) OneOf(path, value string, values ...string) {
	if !slices.Contains(values, value) {
		p.Add(path, "%q is not one of %s", value, strings.Join(values, ", "))
	}
}

// Between wants least ≤ value ≤ most.
func (p *Problems) Between(path string, value, least, most int) {
	if value < least || value > most {
		p.Add(path, "is %d, want %d to %d", value, least, most)
	}
}

// Lasts wants a duration from least to most.
func (p *Problems) Lasts(path string, value Duration, least, most time.Duration) {
	if time.Duration(value) < least || time.Duration(value) > most {
		p.Add(path, "is %s, want %s to %s", value, Duration(least), Duration(most))
	}
}

// URL wants an absolute http or https URL without user, query or fragment; with
// origin also without a path. Plain http is for loopback addresses in development.
func (p *Problems) URL(path, value string, development, origin bool) {
	u, err := url.Parse(value)
	switch {
	case value == "":
		p.Add(path, "is missing")
	case err != nil:
		p.Add(path, "%q cannot be read as a URL", value)
	case u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Hostname() == "":
		p.Add(path, "%q is no absolute URL such as https://id.example.com", value)
	default:
		p.checkURL(path, value, u, development, origin)
	}
}

// checkURL finds every mistake of an absolute URL.
func (p *Problems) checkURL(path, value string, u *url.URL, development, origin bool) {
	if u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(value, "#") {
		p.Add(path, "%q must have neither user, query nor fragment", value)
	}
	if origin && u.Path != "" {
		p.Add(path, "%q must end after the host, without a slash", value)
	}
	switch {
	case u.Scheme == "http" && !development:
		p.Add(path, "%q must begin with https:// (plain http is for development: true)", value)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		p.Add(path, "%q is plain http to another machine; in development use localhost, else https", value)
	}
}

// Address wants host:port to listen on; in development a loopback host.
func (p *Problems) Address(path, value string, development bool) {
	host, port, err := net.SplitHostPort(value)
	if err != nil {
		p.Add(path, "%q is no address to listen on, such as 127.0.0.1:9000", value)
		return
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		p.Add(path, "%q has no port between 0 and 65535", value)
	}
	if host != "" && host != "localhost" && !isIP(host) {
		p.Add(path, "%q does not begin with an IP address or localhost", value)
		return
	}
	if development && !loopback(host) {
		p.Add(path, "%q can be reached from other machines; with development: true only loopback is allowed (127.0.0.1)", value)
	}
}

// Networks wants addresses or networks, and not the whole internet.
func (p *Problems) Networks(path string, values []string) {
	for i, value := range values {
		network, err := netip.ParsePrefix(value)
		if addr, addrErr := netip.ParseAddr(value); addrErr == nil {
			network, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		at := path + "[" + strconv.Itoa(i) + "]"
		switch {
		case err != nil:
			p.Add(at, "%q is neither an address nor a network such as 10.0.0.0/8", value)
		case network.Bits() == 0:
			p.Add(at, "%q would make everybody a proxy of ours", value)
		}
	}
}

// Secret wants a value from a file or the environment; written into the file it is a
// mistake outside of development, since configuration files are copied and shown.
func (p *Problems) Secret(path string, value Secret, development, needed bool) {
	switch {
	case value.Missing():
		p.Add(path+"_file", "there is no file %s", value.File)
	case value.Reveal() == "" && needed:
		p.Add(path, "is missing; name a file with %s_file or use the environment", last(path))
	case value.Reveal() == "": // "" stands there to be filled in
	case value.Written && !development:
		p.Add(path, "a secret must not stand here; name a file with %s_file or use the environment", last(path))
	}
}

func last(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

func isIP(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// loopback tells whether the host is this machine alone.
func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// unchangeable refuses a file that anybody on the machine can change: whoever does
// decides what we do. The group may, as an umask of 002 leaves it.
func unchangeable(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if info.Mode().IsRegular() && info.Mode().Perm()&0o002 != 0 {
		return fmt.Errorf("%s: mode is %04o, others can change it; run: chmod o-w %[1]s", name, info.Mode().Perm())
	}
	return nil
}

// File wants a file that can be read, and that not everybody can change.
func (p *Problems) File(path, name string, needed bool) {
	info, err := os.Stat(name)
	switch {
	case name == "" && !needed:
	case name == "":
		p.Add(path, "is missing")
	case errors.Is(err, fs.ErrNotExist):
		p.Add(path, "there is no file %s", name)
	case err != nil:
		p.Add(path, "%v", err)
	case info.IsDir():
		p.Add(path, "%s is a folder, want a file", name)
	default:
		if err := unchangeable(name); err != nil {
			p.Add(path, "%v", err)
		}
	}
}

// Folder wants a folder.
func (p *Problems) Folder(path, name string) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.Add(path, "there is no folder %s", name)
	case err != nil:
		p.Add(path, "%v", err)
	case !info.IsDir():
		p.Add(path, "%s is a file, want a folder", name)
	}
}

// Link wants something to put behind an <a>: an https URL or a path on our own site.
func (p *Problems) Link(path, value string) {
	if strings.HasPrefix(value, "/") && !strings.HasPrefix(value, "//") && !strings.Contains(value, "\\") {
		return
	}
	u, err := url.Parse(value)
	switch {
	case value == "":
		p.Add(path, "is missing")
	case err != nil || u.Scheme != "https" || u.Host == "":
		p.Add(path, "%q is neither a path on this site nor an https URL", value)
	}
}
