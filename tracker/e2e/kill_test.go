package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tegata/idp/accounts"
	"tegata/idp/app"
	idptest "tegata/idp/app/apptest"
	"tegata/shared/browser"
)

// rounds is how often each kill is tried; TEGATA_KILL_ROUNDS=500 is for a quiet night.
func rounds(t *testing.T) int {
	n, err := strconv.Atoi(os.Getenv("TEGATA_KILL_ROUNDS"))
	if err != nil {
		return 12
	}
	return n
}

// binary is the real idp as a process of its own, which can be killed.
type binary struct {
	t       *testing.T
	path    string
	env     []string
	url     string
	cmd     *exec.Cmd
	options idptest.Options
}

// killClients is one public client, so that the test can redeem codes by hand.
const killClients = `clients:
  - client_id: killed
    client_name: {en: Killed}
    redirect_uris: [http://localhost:1/cb]
    token_endpoint_auth_method: none
    first_party: true
`

func build(t *testing.T) *binary {
	t.Helper()
	dir := t.TempDir()
	b := &binary{t: t, path: filepath.Join(dir, "idp")}
	if out, err := exec.Command("go", "build", "-o", b.path, "../../idp").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	l := idptest.Listen(t)
	port := idptest.Port(l)
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
	b.cmd = exec.Command(b.path, "serve", "--config", idptest.Root("configs/idp.yaml"))
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

// killAfter kills the program a random moment after do began, and waits for both.
func (b *binary) killAfter(most time.Duration, do func()) {
	done := make(chan struct{})
	go func() { do(); close(done) }()
	time.Sleep(rand.N(most))
	b.kill()
	<-done
}

// look opens the database of the stopped program.
func (b *binary) look(see func(*app.Services)) {
	b.t.Helper()
	cfg, err := app.Load(idptest.Root("configs/idp.yaml"), b.env)
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

// TestKilledSignUpLeavesNoHalfAccount kills idp while somebody signs up (F-01): the
// address is free, or the account is there together with its mail; and trying again
// works.
func TestKilledSignUpLeavesNoHalfAccount(t *testing.T) {
	b := build(t)
	for i := range rounds(t) {
		email := fmt.Sprintf("round%d@example.org", i)
		b.start()
		form := url.Values{
			"email": {email}, "password": {"Zebra-crossing 77"}, "given_name": {"Kill"}, "family_name": {"Nine"}, "country": {"JP"},
		}
		b.killAfter(60*time.Millisecond, func() {
			if resp, err := http.PostForm(b.url+"/signup", form); err == nil {
				resp.Body.Close()
			}
		})
		b.look(func(s *app.Services) { checkWhole(t, s, email) })
	}
	b.start()
	p := browser.InProcess(t, browser.Options{Language: "en"})
	p.Visit(b.url+"/signup").Fill("Email address", "round0@example.org").Fill("Password", "Zebra-crossing 77").
		Fill("First name (Roman letters)", "Kill").Fill("Last name (Roman letters)", "Nine").
		Choose("Country or region", "Japan").Press("Register").At("/signup/sent")
}

// checkWhole fails when an account is there without its mail, or the other way round.
func checkWhole(t *testing.T, s *app.Services, email string) {
	t.Helper()
	ctx := context.Background()
	account, err := s.Accounts.ByEmail(ctx, email)
	mails := 0
	rows, listErr := s.Outbox.List(ctx, "", 1000)
	if listErr != nil {
		t.Fatal(listErr)
	}
	for _, row := range rows {
		if row.To == email {
			mails++
		}
	}
	switch {
	case err == nil && (account.State != accounts.Pending || mails != 1):
		t.Errorf("%s: account is %s with %d mails in the outbox, want pending with one", email, account.State, mails)
	case err != nil && mails != 0:
		t.Errorf("%s: no account (%v), but %d mails", email, err, mails)
	}
}

// TestKilledRedemptionSpendsACodeOnce kills idp while a code is redeemed (F-04): after
// the restart the code works at most once more, and never after an answer was given.
func TestKilledRedemptionSpendsACodeOnce(t *testing.T) {
	b := build(t)
	for range rounds(t) {
		b.start()
		code, verifier := b.code()
		redeem := func() bool {
			resp, err := http.PostForm(b.url+"/oauth2/token", url.Values{
				"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {"http://localhost:1/cb"},
				"client_id": {"killed"}, "code_verifier": {verifier},
			})
			if err != nil {
				return false
			}
			defer resp.Body.Close()
			var answer struct {
				AccessToken string `json:"access_token"`
			}
			body, err := io.ReadAll(resp.Body)
			return err == nil && json.Unmarshal(body, &answer) == nil && answer.AccessToken != ""
		}
		answers := 0
		b.killAfter(8*time.Millisecond, func() {
			if redeem() {
				answers++
			}
		})
		b.start()
		for range 3 {
			if redeem() {
				answers++
			}
		}
		if answers > 1 {
			t.Errorf("one code was redeemed %d times", answers)
		}
		b.kill()
	}
}

// code signs a demo person in and gives a fresh authorization code and its verifier.
func (b *binary) code() (code, verifier string) {
	b.t.Helper()
	const email, password = "maya.lindqvist@example.com", "brisk Walnut, 4 kites"
	jar, _ := cookiejar.New(nil)
	verifier = strings.Repeat("v", 43)
	client := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Port() == "1" {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	at := b.url + "/oauth2/authorize?" + url.Values{
		"client_id": {"killed"}, "redirect_uri": {"http://localhost:1/cb"}, "response_type": {"code"}, "scope": {"openid"},
		"code_challenge": {challenge(verifier)}, "code_challenge_method": {"S256"},
	}.Encode()
	resp := b.must(client.Get(at))
	id := resp.Request.URL.Query().Get("interaction")
	b.must(client.PostForm(b.url+"/login", url.Values{"interaction": {id}, "email": {email}}))
	resp = b.must(client.PostForm(b.url+"/login/password", url.Values{"interaction": {id}, "password": {password}}))
	to, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || to.Query().Get("code") == "" {
		b.t.Fatalf("no code: %s, Location %q", resp.Status, resp.Header.Get("Location"))
	}
	return to.Query().Get("code"), verifier
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
