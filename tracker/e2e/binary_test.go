package e2e_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegata/idp/app"
	idptest "tegata/idp/app/apptest"
	"tegata/shared/program/programtest"
)

// binary is the real idp as a process of its own, which can be killed.
type binary struct {
	t       testing.TB
	path    string
	env     []string
	url     string
	cmd     *exec.Cmd
	options idptest.Options
}

// killClients is a public client, so that the test can redeem codes by hand.
const killClients = `clients:
  - client_id: killed
    client_name: {en: Killed}
    redirect_uris: [http://localhost:1/cb]
    token_endpoint_auth_method: none
    id_token_signed_response_alg: ES256
    first_party: true
`

func build(t testing.TB) *binary {
	t.Helper()
	dir := t.TempDir()
	b := &binary{t: t, path: filepath.Join(dir, "idp")}
	if out, err := exec.Command("go", "build", "-o", b.path, "../../idp").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	l := programtest.Listen(t)
	port := programtest.Port(l)
	l.Close()
	b.url = "http://localhost:" + port
	b.options = idptest.Options{Database: "sqlite:" + filepath.Join(dir, "idp.db"), Clients: killClients}
	b.env = append(idptest.Environ(t, b.options, port, dir), "TEGATA_IDP_LISTEN=127.0.0.1:"+port)
	t.Cleanup(b.kill)
	return b
}

// start runs the program and waits until it is ready.
func (b *binary) start() {
	b.t.Helper()
	b.cmd = exec.Command(b.path, "serve", "--config", programtest.Root("configs/idp.yaml"))
	b.cmd.Env = append(os.Environ(), b.env...)
	log := &strings.Builder{}
	b.cmd.Stderr = log
	if err := b.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if resp, err := http.Get(b.url + "/readyz"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
	}
	b.kill()
	b.t.Fatalf("idp did not become ready:\n%s", log)
}

// kill is kill -9.
func (b *binary) kill() {
	if b.cmd != nil && b.cmd.Process != nil {
		b.cmd.Process.Kill()
		b.cmd.Wait()
		b.cmd = nil
	}
}

// look opens the database of the stopped program.
func (b *binary) look(see func(*app.Services)) {
	b.t.Helper()
	cfg, err := app.Load(programtest.Root("configs/idp.yaml"), b.env)
	if err != nil {
		b.t.Fatal(err)
	}
	s, err := app.Open(context.Background(), cfg, app.Options{})
	if err != nil {
		b.t.Fatal(err)
	}
	defer s.Close()
	see(s)
}

// redirectURI of the client "killed": nobody listens there, the test reads the code
// from the Location header.
const redirectURI = "http://localhost:1/cb"

// newVisitor is a browser that stops where the client would begin.
func newVisitor() *http.Client {
	jar, _ := cookiejar.New(nil)
	return &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Port() == "1" {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

// authorizeURL asks for a code for the client "killed".
func (b *binary) authorizeURL(verifier string) string {
	return b.url + "/oauth2/authorize?" + url.Values{
		"client_id": {"killed"}, "redirect_uri": {redirectURI}, "response_type": {"code"}, "scope": {"openid"},
		"code_challenge": {challenge(verifier)}, "code_challenge_method": {"S256"},
	}.Encode()
}

// signIn logs a demo person in and gives the browser and a first authorization code.
func (b *binary) signIn(verifier string) (client *http.Client, code string) {
	b.t.Helper()
	client = newVisitor()
	resp := b.must(client.Get(b.authorizeURL(verifier)))
	id := resp.Request.URL.Query().Get("interaction")
	b.must(client.PostForm(b.url+"/login", url.Values{"interaction": {id}, "email": {"maya.lindqvist@example.com"}}))
	resp = b.must(client.PostForm(b.url+"/login/password", url.Values{"interaction": {id}, "password": {"brisk Walnut, 4 kites"}}))
	return client, b.codeIn(resp)
}

// codeIn reads the code from an answer that leads to the client.
func (b *binary) codeIn(resp *http.Response) string {
	b.t.Helper()
	to, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || to.Query().Get("code") == "" {
		b.t.Fatalf("no code: %s, Location %q", resp.Status, resp.Header.Get("Location"))
	}
	return to.Query().Get("code")
}

// redeem trades a code for tokens and gives the access token, "" when refused.
func (b *binary) redeem(client *http.Client, code, verifier string) string {
	resp, err := client.PostForm(b.url+"/oauth2/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURI},
		"client_id": {"killed"}, "code_verifier": {verifier},
	})
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if json.NewDecoder(resp.Body).Decode(&answer) != nil {
		return ""
	}
	return answer.AccessToken
}

func (b *binary) must(resp *http.Response, err error) *http.Response {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return resp
}
