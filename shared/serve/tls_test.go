package serve_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tegata/shared/certs"
	"tegata/shared/certs/certstest"
	"tegata/shared/clock"
	"tegata/shared/serve"
)

// https is a running server with a certificate of its own.
type https struct {
	url, addr string
	authority *certstest.Authority
	pair      *certs.Pair
	folder    string
	hangUp    func(close func()) // before the server stops
}

// start serves h by TLS until the test ends.
func start(t *testing.T, h http.Handler, leaf certstest.Leaf, shape func(*tls.Config) *tls.Config) *https {
	t.Helper()
	s := &https{authority: certstest.New(t), folder: t.TempDir(), hangUp: func(close func()) { t.Cleanup(close) }}
	s.pair = &certs.Pair{Clock: clock.System, Log: quiet(), Every: time.Millisecond}
	s.pair.CertificateFile, s.pair.KeyFile = s.authority.Write(t, s.folder, leaf)
	if err := s.pair.Reload(); err != nil {
		t.Fatal(err)
	}
	c := certs.Config(s.pair, tls.VersionTLS12)
	if shape != nil {
		c = shape(c)
	}
	server := &serve.Server{Addr: "127.0.0.1:0", Handler: h, Log: quiet(), TLS: c}
	if err := server.Listen(); err != nil {
		t.Fatal(err)
	}
	s.url, s.addr = server.URL(), server.Listener.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return s
}

// shake makes one handshake and tells what was agreed on.
func (s *https) shake(c *tls.Config) (tls.ConnectionState, error) {
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", s.addr, c)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer conn.Close()
	return conn.ConnectionState(), nil
}

func (s *https) client(shows ...tls.Certificate) *http.Client {
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: s.authority.Client(shows...), ForceAttemptHTTP2: true}}
	s.hangUp(c.CloseIdleConnections)
	return c
}

func TestOnlyTheFourSuitesOfTheProfileAreSpokenBelowTLS13(t *testing.T) { // FAPI 2.0 §5.2.2, the suite's scan
	all := slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites())
	for _, key := range []struct {
		leaf certstest.Leaf
		want []string
	}{
		{certstest.Leaf{}, []string{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"}},
		{certstest.Leaf{RSA: 2048}, []string{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"}},
	} {
		s := start(t, http.NotFoundHandler(), key.leaf, nil)
		var got []string
		for _, suite := range all {
			if !slices.Contains(suite.SupportedVersions, tls.VersionTLS12) {
				continue
			}
			c := s.authority.Client()
			c.MinVersion, c.MaxVersion, c.CipherSuites = tls.VersionTLS12, tls.VersionTLS12, []uint16{suite.ID}
			if _, err := s.shake(c); err == nil {
				got = append(got, suite.Name)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, key.want) {
			t.Errorf("RSA %d: TLS 1.2 took %v, want %v", key.leaf.RSA, got, key.want)
		}
	}
}

func TestVersionsBefore12AreRefusedAnd13IsPreferred(t *testing.T) {
	s := start(t, http.NotFoundHandler(), certstest.Leaf{}, nil)
	only13 := start(t, http.NotFoundHandler(), certstest.Leaf{}, func(c *tls.Config) *tls.Config {
		c.MinVersion = tls.VersionTLS13
		return c
	})
	for _, c := range []struct {
		server      *https
		least, most uint16
		want        uint16 // 0: refused
	}{
		{s, tls.VersionTLS10, tls.VersionTLS10, 0},
		{s, tls.VersionTLS11, tls.VersionTLS11, 0},
		{s, tls.VersionTLS12, tls.VersionTLS12, tls.VersionTLS12},
		{s, tls.VersionTLS13, tls.VersionTLS13, tls.VersionTLS13},
		{s, tls.VersionTLS10, tls.VersionTLS13, tls.VersionTLS13},
		{only13, tls.VersionTLS12, tls.VersionTLS12, 0},
		{only13, tls.VersionTLS12, tls.VersionTLS13, tls.VersionTLS13},
	} {
		config := c.server.authority.Client()
		config.MinVersion, config.MaxVersion = c.least, c.most
		state, err := c.server.shake(config)
		if (err == nil) != (c.want != 0) || state.Version != c.want {
			t.Errorf("%s to %s: got %s %v, want %s", tls.VersionName(c.least), tls.VersionName(c.most),
				tls.VersionName(state.Version), err, tls.VersionName(c.want))
		}
	}
}

func TestHTTP2IsSpokenAndSoIsHTTP11(t *testing.T) {
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }), certstest.Leaf{}, nil)
	old := &http.Client{Transport: &http.Transport{TLSClientConfig: s.authority.Client()}} // its own TLS config: no HTTP/2
	for want, c := range map[string]*http.Client{"HTTP/2.0": s.client(), "HTTP/1.1": old} {
		res, err := c.Get(s.url)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if string(got) != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestACertificateRenewedUnderLoadDropsNoRequest(t *testing.T) { // F-39
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") }), certstest.Leaf{Name: "old"}, nil)
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { s.pair.Watch(ctx) })
	var asked, renewed atomic.Int64
	load, enough := context.WithCancel(t.Context())
	for i := range 8 {
		all.Go(func() {
			c := s.client()
			if i%2 == 0 { // half of the callers shake hands each time
				c.Transport.(*http.Transport).DisableKeepAlives = true
			}
			for load.Err() == nil {
				res, err := c.Get(s.url)
				if err != nil {
					t.Errorf("a request was dropped: %v", err)
					return
				}
				if res.TLS.PeerCertificates[0].Subject.CommonName == "new" {
					renewed.Add(1)
				}
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
				asked.Add(1)
			}
		})
	}
	await(t, func() bool { return asked.Load() > 50 })
	s.authority.Write(t, s.folder, certstest.Leaf{Name: "new"})
	await(t, func() bool { return renewed.Load() > 50 })
	enough()
	stop()
	all.Wait()
}

func await(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it did not come to pass within 20 seconds")
		}
	}
}

// shown answers with the name in the certificate that the front found, and whether it
// trusts it.
func shown(f serve.Front) http.Handler {
	f.Log = quiet()
	return f.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := serve.Of(r.Context())
		switch {
		case r.Header.Get("Client-Cert") != "" || r.Header.Get("Client-Cert-Chain") != "":
			io.WriteString(w, "the header is still there")
		case x.ClientCertificate == nil:
			io.WriteString(w, "nobody")
		case x.ClientTrusted(time.Now()) == nil:
			io.WriteString(w, x.ClientCertificate.Subject.CommonName+", trusted")
		default:
			io.WriteString(w, x.ClientCertificate.Subject.CommonName)
		}
	}))
}

func field(c tls.Certificate) string {
	return ":" + base64.StdEncoding.EncodeToString(c.Certificate[0]) + ":"
}

func TestTheCertificateOfTheConnectionIsSeenAndAHeaderFromAStrangerIsNot(t *testing.T) { // RFC 8705 §2, RFC 9440 §4
	clients := certstest.New(t)
	issued, own := clients.Pair(t, certstest.Leaf{Name: "issued"}), clients.Pair(t, certstest.Leaf{Name: "own", SelfSigned: true})
	late := clients.Pair(t, certstest.Leaf{Name: "late", To: time.Now().Add(-time.Hour)})
	looks := serve.Front{Clients: &serve.ClientCertificates{Authorities: clients.Pool}}
	for _, c := range []struct {
		name  string
		front serve.Front
		asks  bool
		shows []tls.Certificate
		spoof string
		want  string
	}{
		{"issued", looks, true, []tls.Certificate{issued}, "", "issued, trusted"},
		{"self-signed", looks, true, []tls.Certificate{own}, "", "own"},
		{"expired", looks, true, []tls.Certificate{late}, "", "late"},
		{"none", looks, true, nil, "", "nobody"},
		{"none but a header", looks, true, nil, field(issued), "nobody"},
		{"another one in the header", looks, true, []tls.Certificate{own}, field(issued), "own"},
		{"not asked for", looks, false, []tls.Certificate{issued}, field(issued), "nobody"},
		{"not looked at", serve.Front{}, true, []tls.Certificate{issued}, field(issued), "nobody"},
		{"no authorities", serve.Front{Clients: &serve.ClientCertificates{}}, true, []tls.Certificate{issued}, "", "issued"},
	} {
		var shape func(*tls.Config) *tls.Config
		if c.asks {
			shape = certs.Asking
		}
		s := start(t, shown(c.front), certstest.Leaf{}, shape)
		req, _ := http.NewRequest("GET", s.url, nil)
		if c.spoof != "" {
			req.Header.Set("Client-Cert", c.spoof)
			req.Header.Set("Client-Cert-Chain", c.spoof)
		}
		res, err := s.client(c.shows...).Do(req)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if string(got) != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestTheHeaderOfOurProxyIsReadStrictly(t *testing.T) { // RFC 9440 §2
	clients := certstest.New(t)
	issued, own := clients.Pair(t, certstest.Leaf{Name: "issued"}), clients.Pair(t, certstest.Leaf{Name: "own", SelfSigned: true})
	proxies, err := serve.ParseProxies([]string{"127.0.0.0/8"})
	if err != nil {
		t.Fatal(err)
	}
	looks := serve.Front{Proxies: proxies, Clients: &serve.ClientCertificates{Authorities: clients.Pool}}
	s := start(t, shown(looks), certstest.Leaf{}, certs.Asking)
	off := start(t, shown(serve.Front{Proxies: proxies}), certstest.Leaf{}, certs.Asking)
	good := field(issued)
	for _, c := range []struct {
		name        string
		server      *https
		cert, chain []string
		want        string
	}{
		{"issued", s, []string{good}, nil, "issued, trusted"},
		{"self-signed", s, []string{field(own)}, nil, "own"},
		{"with a chain", s, []string{good}, []string{field(own) + ", " + field(issued), field(own)}, "issued, trusted"},
		{"none: the proxy's own certificate is not the caller's", s, nil, nil, "nobody"},
		{"a chain alone", s, nil, []string{good}, "nobody"},
		{"two lines", s, []string{good, field(own)}, nil, "nobody"},
		{"two in one line", s, []string{good + ", " + field(own)}, nil, "nobody"},
		{"no colons", s, []string{strings.Trim(good, ":")}, nil, "nobody"},
		{"one colon", s, []string{":"}, nil, "nobody"},
		{"empty", s, []string{"::"}, nil, "nobody"},
		{"not base64", s, []string{":%%%:"}, nil, "nobody"},
		{"no certificate", s, []string{":AAECAw==:"}, nil, "nobody"},
		{"more behind the certificate", s, []string{":" + base64.StdEncoding.EncodeToString(append(slices.Clone(issued.Certificate[0]), 1)) + ":"}, nil, "nobody"},
		{"a broken chain", s, []string{good}, []string{":AA==:"}, "nobody"},
		{"PEM in a line", s, []string{"-----BEGIN%20CERTIFICATE-----"}, nil, "nobody"},
		{"off", off, []string{good}, nil, "nobody"},
	} {
		req, _ := http.NewRequest("GET", c.server.url, nil)
		req.Header["Client-Cert"], req.Header["Client-Cert-Chain"] = c.cert, c.chain
		res, err := c.server.client(own).Do(req)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if string(got) != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func FuzzClientCertificateOfAProxy(f *testing.F) {
	proxies, _ := serve.ParseProxies([]string{"192.0.2.0/24"})
	h := shown(serve.Front{Proxies: proxies, Clients: &serve.ClientCertificates{}})
	f.Add(":AAECAw==:", ":AA==:, ::")
	f.Add("::", "")
	f.Add(":", ",,,")
	f.Fuzz(func(t *testing.T, cert, chain string) {
		r, _ := http.NewRequest("GET", "/", nil)
		r.RemoteAddr = "192.0.2.1:4711"
		r.Header["Client-Cert"], r.Header["Client-Cert-Chain"] = []string{cert}, []string{chain}
		if w := ask(h, r); w.Code != 200 {
			t.Errorf("%q %q: %d", cert, chain, w.Code)
		}
	})
}

func TestAnAnswerMayBeWorkedOnForAWhileOnly(t *testing.T) {
	done := make(chan error, 1)
	h := serve.Front{Log: quiet(), Within: time.Millisecond}.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		done <- r.Context().Err()
	}))
	r, _ := http.NewRequest("GET", "/", nil)
	ask(h, r)
	if err := <-done; err != context.DeadlineExceeded {
		t.Errorf("got %v, want the deadline", err)
	}
}

func TestServersStopTogether(t *testing.T) {
	one := &serve.Server{Addr: "127.0.0.1:0", Handler: http.NotFoundHandler(), Log: quiet()}
	two := &serve.Server{Addr: "127.0.0.1:0", Handler: http.NotFoundHandler(), Log: quiet()}
	if err := two.Listen(); err != nil {
		t.Fatal(err)
	}
	two.Listener.Close() // it will fail
	if err := serve.RunAll(t.Context(), one, two); err == nil {
		t.Error("got nil, want the error of the one that failed")
	}
}
