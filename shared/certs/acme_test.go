package certs_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tegata/shared/certs"
	"tegata/shared/certs/certstest"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
	"tegata/shared/secret"
)

const host = "id.example.test"

// fakeCA speaks as much of RFC 8555 as one order needs, for one host, and looks at
// the host's own listener before it issues anything.
type fakeCA struct {
	t         *testing.T
	url       string
	lookAt    string // where the host is
	authority *certstest.Authority
	orders    atomic.Int64
	refuse    atomic.Bool

	mu     sync.Mutex
	proved bool
	chain  []byte
}

func startCA(t *testing.T, lookAt string) *fakeCA {
	ca := &fakeCA{t: t, lookAt: lookAt, authority: certstest.New(t)}
	s := httptest.NewServer(ca)
	t.Cleanup(s.Close)
	ca.url = s.URL
	return ca
}

func (ca *fakeCA) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	w.Header().Set("Replay-Nonce", fmt.Sprint(time.Now().UnixNano()))
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/directory":
		ca.tell(w, 200, map[string]any{"newNonce": ca.url + "/nonce", "newAccount": ca.url + "/account", "newOrder": ca.url + "/order"})
	case "/nonce":
	case "/account":
		w.Header().Set("Location", ca.url+"/account/1")
		ca.tell(w, 201, map[string]any{"status": "valid"})
	case "/order":
		ca.orders.Add(1)
		if ca.refuse.Load() {
			ca.tell(w, 403, map[string]any{"type": "urn:ietf:params:acme:error:rejectedIdentifier", "detail": "not you"})
			return
		}
		w.Header().Set("Location", ca.url+"/order/1")
		ca.tell(w, 201, ca.order())
	case "/order/1":
		ca.tell(w, 200, ca.order())
	case "/authorization/1":
		ca.tell(w, 200, map[string]any{"status": ca.state("pending"), "identifier": id(), "challenges": []any{ca.challenge()}})
	case "/challenge/1":
		ca.proved = ca.look()
		ca.tell(w, 200, ca.challenge())
	case "/finalize/1":
		ca.chain = ca.issue(r)
		ca.tell(w, 200, ca.order())
	case "/certificate/1":
		w.Header().Set("Content-Type", "application/pem-certificate-chain")
		w.Write(ca.chain)
	default:
		http.NotFound(w, r)
	}
}

func (ca *fakeCA) tell(w http.ResponseWriter, status int, body any) {
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

func id() map[string]string { return map[string]string{"type": "dns", "value": host} }

func (ca *fakeCA) state(before string) string {
	if ca.proved {
		return "valid"
	}
	return before
}

func (ca *fakeCA) order() map[string]any {
	o := map[string]any{"status": "pending", "identifiers": []any{id()}, "authorizations": []string{ca.url + "/authorization/1"}, "finalize": ca.url + "/finalize/1"}
	if ca.proved {
		o["status"] = "ready"
	}
	if ca.chain != nil {
		o["status"], o["certificate"] = "valid", ca.url+"/certificate/1"
	}
	return o
}

func (ca *fakeCA) challenge() map[string]any {
	return map[string]any{"type": "tls-alpn-01", "url": ca.url + "/challenge/1", "token": "one", "status": ca.state("pending")}
}

// look shakes hands as an authority does. RFC 8737 §3
func (ca *fakeCA) look() bool {
	conn, err := tls.Dial("tcp", ca.lookAt, &tls.Config{ServerName: host, NextProtos: []string{"acme-tls/1"}, InsecureSkipVerify: true})
	if err != nil {
		ca.t.Logf("the authority's look: %v", err)
		return false
	}
	defer conn.Close()
	state := conn.ConnectionState()
	return state.NegotiatedProtocol == "acme-tls/1" && slices.Equal(state.PeerCertificates[0].DNSNames, []string{host})
}

// issue signs the key of the request.
func (ca *fakeCA) issue(r *http.Request) []byte {
	var jws struct{ Payload string }
	var order struct{ CSR string }
	if err := json.NewDecoder(r.Body).Decode(&jws); err != nil {
		ca.t.Error(err)
	}
	text, _ := base64.RawURLEncoding.DecodeString(jws.Payload)
	json.Unmarshal(text, &order)
	der, _ := base64.RawURLEncoding.DecodeString(order.CSR)
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		ca.t.Error(err)
		return nil
	}
	leaf := ca.authority.Issue(ca.t, csr.PublicKey, certstest.Leaf{Hosts: csr.DNSNames})
	var chain bytes.Buffer
	for _, c := range [][]byte{leaf.Raw, ca.authority.Certificate.Raw} {
		pem.Encode(&chain, &pem.Block{Type: "CERTIFICATE", Bytes: c})
	}
	return chain.Bytes()
}

// site listens with the certificates of a until the test ends.
func site(t *testing.T, a *certs.ACME) string {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := tls.NewListener(inner, certs.Config(a, tls.VersionTLS12))
	s := &http.Server{ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return inner.Addr().String()
}

// shelf keeps certificates in a database, as one of the programs that share it.
func shelf(t *testing.T, d *db.DB) certs.Store {
	t.Helper()
	seal, err := secret.NewSealer([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	return certs.Store{DB: d, Seal: seal, Clock: clock.System}
}

func TestACertificateIsObtainedByProvingTheHostAndKeptInTheDatabase(t *testing.T) { // RFC 8555 §7.4
	dbtest.Each(t, dbtest.Mechanisms(t), obtainAndKeep)
}

func obtainAndKeep(t *testing.T, d *db.DB) {
	log := &record{}
	a := &certs.ACME{Store: shelf(t, d), Hosts: []string{host}, Log: slog.New(slog.NewTextHandler(log, nil))}
	addr := site(t, a)
	ca := startCA(t, addr)
	a.Directory = ca.url + "/directory"
	if !a.Expires().IsZero() || a.Failing() {
		t.Error("nothing was asked for, yet it expires or fails")
	}
	watched(t, a, func() bool { return !a.Expires().IsZero() })

	conn, err := tls.Dial("tcp", addr, &tls.Config{ServerName: host, RootCAs: ca.authority.Pool()})
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if _, err := tls.Dial("tcp", addr, &tls.Config{ServerName: "other.example.test", InsecureSkipVerify: true}); err == nil {
		t.Error("a name that is not ours got a certificate")
	}
	if n := ca.orders.Load(); n != 1 {
		t.Errorf("%d orders, want 1", n)
	}
	again := &certs.ACME{Store: shelf(t, d), Directory: a.Directory, Hosts: a.Hosts, Log: a.Log}
	watched(t, again, func() bool { return !again.Expires().IsZero() })
	if n := ca.orders.Load(); n != 1 {
		t.Errorf("%d orders after a restart, want the certificate that is there", n)
	}
	sealed(t, d)
}

// sealed checks that no private key can be read in the database.
func sealed(t *testing.T, d *db.DB) {
	t.Helper()
	boxes, err := db.Collect(t.Context(), d, `select box from certificates where sealed_by <> ''`, nil, func(scan db.Scan) (box []byte, err error) {
		return box, scan(&box)
	})
	if err != nil || len(boxes) < 2 {
		t.Fatalf("%d rows %v, want account and certificate", len(boxes), err)
	}
	for _, box := range boxes {
		if bytes.Contains(box, []byte("PRIVATE")) {
			t.Error("a private key lies in the open")
		}
	}
}

// Of the nodes that have no certificate one alone asks for it, another one answers the
// authority's look, and all have it then.
func TestOfSeveralNodesOneAsksAndAllHaveTheCertificate(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url string) {
		open := func() *certs.ACME {
			return &certs.ACME{Store: shelf(t, dbtest.Open(t, url, dbtest.Mechanisms(t))), Hosts: []string{host}, Log: slog.New(slog.DiscardHandler)}
		}
		one, other, third := open(), open(), open()
		ca := startCA(t, site(t, other)) // the authority looks at a node that did not ask
		for _, a := range []*certs.ACME{one, other, third} {
			a.Directory = ca.url + "/directory"
		}
		hello := &tls.ClientHelloInfo{ServerName: host, SupportedVersions: []uint16{tls.VersionTLS13},
			SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256}, SupportedCurves: []tls.CurveID{tls.CurveP256}}
		var all sync.WaitGroup
		got := map[*certs.ACME]*atomic.Int64{one: {}, third: {}}
		for a, n := range got {
			for range 4 {
				all.Go(func() {
					if _, err := a.Certificate(hello); err == nil {
						n.Add(1)
					}
				})
			}
		}
		all.Wait()
		if got[one].Load() != 4 && got[third].Load() != 4 {
			t.Errorf("%d and %d handshakes, want those of one node", got[one].Load(), got[third].Load())
		}
		for _, a := range []*certs.ACME{one, other, third} {
			if c, err := a.Certificate(hello); err != nil || !slices.Equal(c.Leaf.DNSNames, []string{host}) {
				t.Errorf("afterwards: %v", err)
			}
		}
		if n := ca.orders.Load(); n != 1 {
			t.Errorf("%d orders, want one", n)
		}
	})
}

func TestARefusedOrderIsToldAndTriedAgain(t *testing.T) {
	log := &record{}
	a := &certs.ACME{Store: shelf(t, dbtest.SQLite(t, dbtest.Mechanisms(t))), Hosts: []string{host}, Log: slog.New(slog.NewTextHandler(log, nil))}
	ca := startCA(t, site(t, a))
	ca.refuse.Store(true)
	a.Directory = ca.url + "/directory"
	watched(t, a, a.Failing)
	if log.count("no certificate could be obtained") != 1 || log.count(host) == 0 || !a.Expires().IsZero() {
		t.Error("the refusal was not told once, with the host")
	}
}

// Who stops the program does not wait for an authority that says nothing.
func TestAnAuthorityThatSaysNothingHoldsUpNobodyWhoStops(t *testing.T) {
	asked, over := make(chan bool, 10), make(chan bool)
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked <- true; <-over }))
	t.Cleanup(silent.Close)
	t.Cleanup(func() { close(over) })
	a := &certs.ACME{Store: shelf(t, dbtest.SQLite(t, dbtest.Mechanisms(t))), Directory: silent.URL, Hosts: []string{host}, Log: slog.New(slog.DiscardHandler)}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan bool)
	go func() { a.Watch(ctx); close(ended) }()
	<-asked
	stop()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Error("Watch goes on")
	}
}

// watched runs Watch until done.
func watched(t *testing.T, s certs.Source, done func() bool) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() { s.Watch(ctx) })
	defer watching.Wait()
	defer stop()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it did not come to pass within 20 seconds")
		}
	}
}
