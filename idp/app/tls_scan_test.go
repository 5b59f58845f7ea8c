package app_test

import (
	"crypto/tls"
	"net"
	"slices"
	"testing"
	"time"

	"tegata/shared/certs/certstest"
)

// scan shakes hands with the address and tells what was agreed on; the error is nil when
// the other end took it.
func scan(address string, authority *certstest.Authority, least, most uint16, suites []uint16) (tls.ConnectionState, error) {
	c := authority.Client()
	c.MinVersion, c.MaxVersion, c.CipherSuites = least, most, suites
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", address, c)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer conn.Close()
	return conn.ConnectionState(), nil
}

// The scan that the suite of the OpenID Foundation makes of a FAPI provider, and more: on
// both addresses of a running provider, with an ECDSA and with an RSA certificate, each
// version and each suite that crypto/tls knows is tried by itself. BCP 195 (RFC 9325
// §3.1.1, §4.2), FAPI 2.0 Security Profile §5.2.2.
func TestARunningProviderPassesTheScanOfTLS(t *testing.T) {
	for _, key := range []struct {
		leaf certstest.Leaf
		want []string // of TLS 1.2
	}{
		{certstest.Leaf{}, []string{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"}},
		{certstest.Leaf{RSA: 2048}, []string{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"}},
	} {
		idp := startMutualWith(t, t.TempDir(), certstest.New(t), key.leaf, "")
		for _, address := range []string{idp.address, idp.aliasAddress()} {
			for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
				if _, err := scan(address, idp.authority, version, version, nil); err == nil {
					t.Errorf("%s is spoken", tls.VersionName(version))
				}
			}
			if state, err := scan(address, idp.authority, tls.VersionTLS10, tls.VersionTLS13, nil); err != nil || state.Version != tls.VersionTLS13 {
				t.Errorf("a caller that can do all got %s %v, want TLS 1.3", tls.VersionName(state.Version), err)
			}
			var taken []string
			for _, suite := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
				if !slices.Contains(suite.SupportedVersions, tls.VersionTLS12) {
					continue // TLS 1.3 has its own, which cannot be chosen and are all good
				}
				if _, err := scan(address, idp.authority, tls.VersionTLS12, tls.VersionTLS12, []uint16{suite.ID}); err == nil {
					taken = append(taken, suite.Name)
				}
			}
			slices.Sort(taken)
			if !slices.Equal(taken, key.want) {
				t.Errorf("RSA %d: TLS 1.2 took %v, want %v", key.leaf.RSA, taken, key.want)
			}
		}
	}
}
