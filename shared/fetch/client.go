package fetch

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// patience bounds one call, from the name look-up to the last byte.
const patience = 3 * time.Second

// private are networks that netip does not call private and that still are not the
// internet: shared, protocol, benchmark and documentation addresses, and IPv6 that
// wraps IPv4.
var private = func() []netip.Prefix {
	var all []netip.Prefix
	for _, text := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
		"240.0.0.0/4", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fec0::/10",
	} {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}()

// Client gives the client for addresses that somebody else chose, like jwks_uri. It
// looks at the address after the name was resolved, so a name that points inside does
// not help; it follows no redirect and knows no proxy. A call lasts at most three
// seconds. loopback allows the own machine, for development. A-056.
func Client(loopback bool) *http.Client {
	dialer := &net.Dialer{
		Timeout: patience,
		Control: func(network, address string, _ syscall.RawConn) error { return public(address, loopback) },
	}
	return &http.Client{
		Timeout: patience,
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSHandshakeTimeout:    patience,
			ResponseHeaderTimeout:  patience,
			MaxResponseHeaderBytes: 16 << 10,
			MaxIdleConnsPerHost:    1,
			MaxIdleConns:           32,
			IdleConnTimeout:        time.Minute,
			ForceAttemptHTTP2:      true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("a redirect, which is not followed")
		},
	}
}

// public refuses the address of a connection about to be made if it leads inside.
func public(address string, loopback bool) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := at.Addr().Unmap()
	if ip.IsLoopback() && loopback {
		return nil
	}
	inside := !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast()
	for _, network := range private {
		inside = inside || network.Contains(ip)
	}
	if inside {
		return fmt.Errorf("%s is not an address of the internet", ip)
	}
	return nil
}
