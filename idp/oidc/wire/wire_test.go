package wire_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ory/fosite"

	"tegata/idp/oidc/wire"
	"tegata/shared/fault"
)

const isForm = "application/x-www-form-urlencoded"

// posts is a request with that body.
func posts(kind, body string) *http.Request {
	r := httptest.NewRequest("POST", "/?scope=url", strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	return r
}

// What stands in the URL counts for nothing, nor what has no value (RFC 6749 §2.3.1, §3.2).
func TestAFormIsReadFromTheBodyAlone(t *testing.T) {
	for kind, body := range map[string]string{isForm: "a=1&b=&c=&c=2", isForm + "; charset=UTF-8": "a=1&c=2", strings.ToUpper(isForm): "a=1&c=2"} {
		r := posts(kind, body)
		if err := wire.ReadForm(httptest.NewRecorder(), r); err != nil || !reflect.DeepEqual(r.PostForm, url.Values{"a": {"1"}, "c": {"2"}}) || r.Form.Has("scope") {
			t.Errorf("%s, %s: %v, %v", kind, body, r.PostForm, err)
		}
	}
}

func TestABodyThatIsNoFormIsRefused(t *testing.T) { // RFC 6749 §3.2
	for name, r := range map[string]*http.Request{
		"JSON":               posts("application/json", "{}"),
		"no type":            posts("", "a=1"),
		"twice":              posts(isForm, "scope=a&scope=b"),
		"no percent-encoded": posts(isForm, "a=%"),
		"too long":           posts(isForm, "a="+strings.Repeat("x", wire.MaxForm)),
	} {
		err := wire.ReadForm(httptest.NewRecorder(), r)
		if got := wire.RefusalOf(err); err == nil || got.Code != "invalid_request" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := wire.ReadForm(httptest.NewRecorder(), posts(isForm, "own=a&own=b")); err != nil {
		t.Errorf("a parameter that nobody knows, twice: %v", err)
	}
}

// Whatever went wrong, the client gets a registered code and no cause.
func TestEveryErrorLeavesAsARefusal(t *testing.T) {
	cause := errors.New("10.0.0.7 refused the connection")
	busy := fault.New(fault.TooMany, "", "x")
	busy.RetryAfter = 2500 * time.Millisecond
	for _, c := range []struct {
		err    error
		code   string
		status int
	}{
		{cause, "server_error", 500},
		{wire.Unread("invalid_request", fmt.Errorf("read: %w", &http.MaxBytesError{Limit: 10})), "invalid_request", 413},
		{wire.Unread("invalid_client_metadata", cause), "invalid_client_metadata", 400},
		{busy, "temporarily_unavailable", 429},
		{fault.Wrap(fault.Busy, "x", cause), "temporarily_unavailable", 503},
		{fmt.Errorf("select: %w", context.DeadlineExceeded), "temporarily_unavailable", 503},
		{fosite.ErrServerError.WithWrap(context.DeadlineExceeded), "temporarily_unavailable", 503},
		{fault.Wrap(fault.Invalid, "x", context.DeadlineExceeded), "server_error", 500},
		{fosite.ErrInvalidGrant.WithDebug("10.0.0.7"), "invalid_grant", 400},
		{fosite.ErrInvalidState, "invalid_request", 400},
		{&fosite.RFC6749Error{ErrorField: "of_their_own"}, "server_error", 500},
		{fmt.Errorf("wrapped: %w", wire.RefuseAs("invalid_client").Because(cause)), "invalid_client", 401},
	} {
		w := httptest.NewRecorder()
		wire.RefusalOf(c.err).Answer(w)
		if w.Code != c.status || !strings.HasPrefix(w.Body.String(), `{"error":"`+c.code+`","error_description":`) || strings.Contains(w.Body.String(), "10.0.0.7") {
			t.Errorf("%v: status %d: %s", c.err, w.Code, w.Body)
		}
		if h := w.Header(); h.Get("Cache-Control") != "no-store" || (h.Get("WWW-Authenticate") != "") != (c.status == 401) || (h.Get("Retry-After") != "") != (c.code == "temporarily_unavailable") {
			t.Errorf("%v: header %v", c.err, h)
		}
	}
	if got := wire.RefusalOf(busy).RetryAfter(); got != "3" {
		t.Errorf("Retry-After: %s, want whole seconds, not too few", got)
	}
}

func TestAnEndpointNamesItsMethods(t *testing.T) { // RFC 9110 §10.2.1, §15.5.6
	yes := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }
	for _, c := range []struct {
		get, post  http.HandlerFunc
		open       bool
		asked      string
		status     int
		allow, any string
	}{
		{yes, nil, false, "HEAD", 202, "", ""},
		{yes, nil, false, "POST", 405, "GET, HEAD", ""},
		{nil, yes, true, "POST", 202, "", "*"},
		{nil, yes, true, "OPTIONS", 204, "", "*"},
		{nil, yes, true, "DELETE", 405, "POST, OPTIONS", "*"},
		{yes, yes, false, "OPTIONS", 405, "GET, HEAD, POST", ""},
	} {
		w := httptest.NewRecorder()
		wire.ByMethod(c.get, c.post, c.open)(w, httptest.NewRequest(c.asked, "/", nil))
		h := w.Header()
		if w.Code != c.status || h.Get("Allow") != c.allow || h.Get("Access-Control-Allow-Origin") != c.any {
			t.Errorf("%+v: status %d, %v", c, w.Code, h)
		}
	}
}
