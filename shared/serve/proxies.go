package serve

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the networks whose X-Forwarded-For, X-Forwarded-Proto, X-Request-Id and
// Client-Cert (client.go) we believe. From anybody else these headers are noise: with them a
// stranger would choose the address that limits and audit log see.
type Proxies []netip.Prefix

// ParseProxies reads addresses ("10.0.0.7") and networks ("10.0.0.0/8", "fd00::/8").
func ParseProxies(texts []string) (Proxies, error) {
	var all Proxies
	for _, text := range texts {
		if addr, err := netip.ParseAddr(text); err == nil {
			addr = addr.Unmap()
			all = append(all, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%q is neither an address nor a network such as 10.0.0.0/8", text)
		}
		all = append(all, network.Masked())
	}
	return all, nil
}

// has tells whether addr is one of ours.
func (p Proxies) has(addr netip.Addr) bool {
	for _, network := range p {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// read notes in x what is known about the caller of r. From a proxy of ours it walks
// X-Forwarded-For from the right, over our proxies, to the first address that is not
// ours: everything to the left of it was written by strangers.
func (p Proxies) read(r *http.Request, x *Exchange) {
	x.HTTPS = r.TLS != nil
	if host, ok := ipv4(r.RemoteAddr); ok && len(p) == 0 {
		x.Place = host
		return
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		x.Place = cut(r.RemoteAddr, 64)
		return
	}
	addr := peer.Addr().Unmap().WithZone("")
	if !p.has(addr) {
		x.Place = text(addr, r.RemoteAddr)
		return
	}
	x.proxied = true
	x.Place = p.caller(r.Header["X-Forwarded-For"], addr, r.RemoteAddr)
	if proto := last(r.Header["X-Forwarded-Proto"]); proto != "" {
		x.HTTPS = strings.EqualFold(proto, "https")
	}
	if id := last(r.Header[requestIDHeader]); goodRequestID(id) {
		x.ID = id
	}
}

// ipv4 is the address of "192.0.2.7:4711", as net/http writes it, without parsing it.
func ipv4(hostPort string) (host string, ok bool) {
	for i, c := range []byte(hostPort) {
		switch {
		case c == ':':
			return hostPort[:i], i > 0
		case c != '.' && (c < '0' || c > '9'):
			return "", false
		}
	}
	return "", false
}

// caller is the nearest address that is not a proxy of ours, from what the lines of
// X-Forwarded-For say one after the other; peer itself, which wrote, when they say nothing.
func (p Proxies) caller(lines []string, peer netip.Addr, wrote string) string {
	at := peer
	for i := len(lines) - 1; i >= 0; i-- {
		for rest, more := lines[i], true; more; {
			hop := rest
			comma := strings.LastIndexByte(rest, ',')
			if more = comma >= 0; more {
				rest, hop = rest[:comma], rest[comma+1:]
			}
			addr, ok := parseHop(hop)
			if !ok {
				return text(at, wrote)
			}
			if at, wrote = addr, lines[i]; !p.has(at) {
				return text(at, wrote)
			}
		}
	}
	return text(at, wrote)
}

// text is addr as we write it. An IPv4 address has one spelling, which is a part of what
// we read it from: that part will do, unless the rest is long, since both live as long.
func text(addr netip.Addr, wrote string) string {
	if addr.Is4() && len(wrote) <= 64 {
		var b [15]byte
		short := addr.AppendTo(b[:0])
		if i := strings.Index(wrote, string(short)); i >= 0 {
			return wrote[i : i+len(short)]
		}
	}
	return addr.String()
}

// parseHop reads "192.0.2.7", "192.0.2.7:4711", "[2001:db8::1]:4711".
func parseHop(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if text == "" { // an error costs more than an address
		return netip.Addr{}, false
	}
	if addr, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return addr.Unmap().WithZone(""), true
	}
	if both, err := netip.ParseAddrPort(text); err == nil {
		return both.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

// last gives the last element of a comma-separated header: the one that the nearest
// proxy wrote.
func last(values []string) string {
	if len(values) == 0 {
		return ""
	}
	line := values[len(values)-1]
	return strings.TrimSpace(line[strings.LastIndexByte(line, ',')+1:])
}
