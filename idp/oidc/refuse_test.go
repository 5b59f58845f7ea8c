package oidc_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"tegata/idp/clients"
	"tegata/idp/oidc"
	"tegata/idp/oidc/reply"
)

// The page that an answer waits on tells by its status whether to try again; and without such
// a page nobody goes anywhere.
func TestAnAnswerThatWaitsHasTheStatusOfItsReason(t *testing.T) {
	w := startWith(t, func(p *oidc.Provider) {
		p.Stop = func(w http.ResponseWriter, _ *http.Request, c *clients.Client, answer reply.Answer, status int) error {
			address, _ := answer.Link()
			http.Error(w, c.ID+" "+strconv.Itoa(status)+" "+address, http.StatusBadRequest) // tests take 5xx for a breakdown
			return nil
		}
	})
	uri := startSite(t).URL + "/nothing"
	w.edit("tracker", func(c *clients.Client) { c.FirstParty, c.Unverified, c.RequestURIs = false, true, []string{uri} })
	ask := func(change string) answer {
		return w.get("/oauth2/authorize?"+request("tracker", change).Encode(), "X-Test-Place: 192.0.2.1")
	}
	if got := ask("scope=nope"); !strings.HasPrefix(got.Body, "tracker 400 "+callback+"?error=invalid_scope&") {
		t.Errorf("the client's fault: %s", got.Body)
	}
	for range 60 {
		ask("request_uri=" + uri)
	}
	if got := ask("request_uri=" + uri); !strings.HasPrefix(got.Body, "tracker 503 "+callback+"?error=temporarily_unavailable&") {
		t.Errorf("too often: %s", got.Body)
	}
	w.provider.Stop = nil
	wantPage(t, "without the page", ask("scope=nope"))
}
