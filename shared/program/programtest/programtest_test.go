package programtest_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"tegata/shared/program/programtest"
)

// A test gives a port back and lets a program listen there: no connection may have it by then.
func TestAPortThatIsGivenBackIsNoneOfOutgoingConnections(t *testing.T) {
	var from, to int
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		t.Skip("this machine does not say which ports its connections have: ", err)
	}
	if _, err := fmt.Sscan(string(text), &from, &to); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		l := programtest.Listen(t)
		l.Close()
		if port, err := strconv.Atoi(programtest.Port(l)); err != nil || port >= from && port <= to {
			t.Fatalf("port %d %v, want none from %d to %d", port, err, from, to)
		}
	}
}
