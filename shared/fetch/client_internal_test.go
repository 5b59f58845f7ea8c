package fetch

import (
	"strings"
	"testing"
)

func TestOutboundCallsStayOutside(t *testing.T) {
	for address, good := range map[string]bool{
		"93.184.216.34:443": true, "[2606:4700::1]:443": true,
		"127.0.0.1:80": false, "[::1]:80": false, "10.0.0.1:80": false, "172.16.0.1:80": false, "192.168.1.1:80": false, "169.254.169.254:80": false,
		"100.64.0.1:80": false, "0.0.0.0:80": false, "[::]:80": false, "[fe80::1]:80": false, "[fd00::1]:80": false, "[::ffff:127.0.0.1]:80": false,
		"[::ffff:10.0.0.1]:80": false, "[64:ff9b::7f00:1]:80": false, "[2002:7f00:1::]:80": false, "224.0.0.1:80": false, "255.255.255.255:80": false, "198.18.0.1:80": false, "x": false,
	} {
		if err := public(address, false); (err == nil) != good {
			t.Errorf("%s: %v, want good %t", address, err, good)
		}
	}
	if public("127.0.0.1:80", true) != nil || public("[::1]:80", true) != nil || public("10.0.0.1:80", true) == nil {
		t.Error("development opens loopback and nothing else")
	}
	if _, err := Client(false).Get("http://localhost:1/"); err == nil || !strings.Contains(err.Error(), "not an address of the internet") {
		t.Errorf("localhost by name: %v", err)
	}
}
