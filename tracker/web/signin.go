package web

import (
	"math"
	"net/http"
	"strconv"
	"strings"

	"tegata/shared/fault"
	"tegata/shared/page"
)

// signInPage is the data of a log-in that did not work.
type signInPage struct {
	Text  string // message key
	Again string // starts it again
}

// signInStatus answers the refusals that are nobody's fault; all others are 400.
var signInStatus = map[fault.Kind]int{
	fault.Denied: http.StatusForbidden,
	fault.Busy:   http.StatusServiceUnavailable,
}

// SignInFailed tells why a log-in ended, in the reader's words, and how to start it
// again. What the provider wrote about it is never shown: anybody can forge that.
func (p *Pages) SignInFailed(w http.ResponseWriter, r *http.Request, why error, again string) error {
	f := fault.Of(why)
	if f == nil {
		return why
	}
	name, ours := strings.CutPrefix(f.Key, "signin.")
	if !ours {
		return why
	}
	status, ok := signInStatus[f.Kind]
	if !ok {
		status = http.StatusBadRequest
	}
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds()))))
	}
	return p.Set.Show(w, r, page.Page{
		Template: "signin", Title: "signin.title." + name, Status: status, Data: signInPage{Text: f.Key, Again: again},
	})
}
