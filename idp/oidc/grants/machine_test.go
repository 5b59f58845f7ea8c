package grants_test

import (
	"testing"
	"time"

	"tegata/idp/oidc/grants"
	"tegata/idp/oidc/target"
	"tegata/idp/schema"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// The token of a service that was exchanged ends with all that it came from: each token that
// was revoked, and each client that is off, gone, or another one since. A-047.
func TestATokenOfAServiceEndsWithWhatItCameFrom(t *testing.T) {
	dbtest.Each(t, schema.FS, func(t *testing.T, d *db.DB) {
		w := on(t, d)
		began := w.now.Add(time.Second).Truncate(time.Second)
		for id, c := range map[string]struct {
			at  time.Duration // since the second of the token began
			off bool
		}{"first": {-minute, false}, "middle": {-minute, false}, "other": {-minute, false}, "third": {-minute, false}, "off": {-minute, true},
			"same second": {900 * time.Millisecond, false}, "next second": {time.Second, false}} {
			w.exec(`insert into clients (id, source, record, disabled, created_at, updated_at) values ($1, 'test', '{}', $2, $3, $3)`, id, c.off, began.Add(c.at))
		}
		w.exec(`insert into ended_tokens (id, expires_at) values ('revoked', $1)`, w.now.Add(minute))
		issued := began.Add(300 * time.Millisecond).UnixMicro()
		for name, c := range map[string]struct {
			about grants.LogIn
			over  bool
		}{
			"its own":                    {grants.LogIn{Subject: "client"}, false},
			"all there":                  {grants.LogIn{Subject: "first", From: []string{"a", "b"}, Through: []string{"middle"}}, false},
			"as many as can be":          {grants.LogIn{Subject: "first", From: []string{"a", "b", "c", "d"}, Through: []string{"middle", "other", "third"}}, false},
			"the same one twice":         {grants.LogIn{Subject: "first", From: []string{"a", "b", "c"}, Through: []string{"middle", "middle"}}, false},
			"the first off":              {grants.LogIn{Subject: "off", From: []string{"a"}}, true},
			"the first gone":             {grants.LogIn{Subject: "nobody", From: []string{"a"}}, true},
			"one in between off":         {grants.LogIn{Subject: "first", From: []string{"a", "b", "c"}, Through: []string{"middle", "off"}}, true},
			"one in between gone":        {grants.LogIn{Subject: "first", From: []string{"a", "b", "c"}, Through: []string{"nobody", "middle"}}, true},
			"made in the same second":    {grants.LogIn{Subject: "first", From: []string{"a", "b"}, Through: []string{"same second"}}, false},
			"made in the next one":       {grants.LogIn{Subject: "first", From: []string{"a", "b"}, Through: []string{"next second"}}, true},
			"a token revoked":            {grants.LogIn{Subject: "first", From: []string{"a", "revoked"}, Through: []string{"middle"}}, true},
			"its own, exchanged":         {grants.LogIn{Subject: "client", From: []string{"a"}}, false},
			"its own, exchanged, ended":  {grants.LogIn{Subject: "client", From: []string{"revoked"}}, true},
			"more than exchanges give":   {grants.LogIn{Subject: "first", From: []string{"a"}, Through: []string{"client", "middle", "other", "third"}}, true},
			"clients, and no token left": {grants.LogIn{Subject: "client", Through: []string{"off"}}, true},
		} {
			found, err := w.Access(t.Context(), grants.AccessToken{
				ID: "token", Client: "client", Since: w.now.UnixMicro(), LogIn: &c.about, Issued: issued, Expires: issued + 60e6, Target: &target.Target{},
			})
			if err != nil || found.Over != c.over || found.Ended != c.over {
				t.Errorf("%s: over %v, ended %v, %v; want %v", name, found.Over, found.Ended, err, c.over)
			}
		}
	})
}
