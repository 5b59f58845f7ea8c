package clients

import (
	"fmt"
	"slices"
	"time"

	"tegata/shared/config"
)

// How long refresh tokens are good where a registration does not say. RFC 9700 §4.14
// wants an end for those that nobody uses; an end whatever happens makes people say yes
// again now and then.
const (
	DefaultRefreshIdle     = "30d"
	DefaultRefreshLifetime = "180d"
	DefaultRefreshGrace    = "10s"
)

// Refreshing is how a client's refresh tokens live.
type Refreshing struct {
	Idle     time.Duration // until the first use, or between two
	Lifetime time.Duration // of the whole family, from the log-in on
	Grace    time.Duration // how long a replaced one may come again; 0: not at all
}

// Refreshing gives the settings of the registration.
func (c *Client) Refreshing() Refreshing {
	return Refreshing{
		Idle:     lasting(c.RefreshIdle, DefaultRefreshIdle),
		Lifetime: lasting(c.RefreshLifetime, DefaultRefreshLifetime),
		Grace:    lasting(c.RefreshGrace, DefaultRefreshGrace),
	}
}

// Until is when a refresh token that is used now ends, of a family that began at began.
func (r Refreshing) Until(began, now time.Time) time.Time {
	until, last := now.Add(r.Idle), began.Add(r.Lifetime)
	if until.After(last) {
		return last
	}
	return until
}

// lasting reads a duration that Check let through.
func lasting(text, otherwise string) time.Duration {
	var d config.Duration
	if text == "" || d.UnmarshalText([]byte(text)) != nil {
		_ = d.UnmarshalText([]byte(otherwise)) // a constant above
	}
	return time.Duration(d)
}

// defaultRefreshing writes the defaults down, so that they show.
func (c *Client) defaultRefreshing() {
	if !c.May(RefreshToken) {
		return
	}
	for _, f := range []struct {
		value *string
		want  string
	}{{&c.RefreshIdle, DefaultRefreshIdle}, {&c.RefreshLifetime, DefaultRefreshLifetime}, {&c.RefreshGrace, DefaultRefreshGrace}} {
		if *f.value == "" {
			*f.value = f.want
		}
	}
}

// refreshMembers are the members that mean something for refresh tokens alone.
func (c *Client) refreshMembers() map[string]*string {
	return map[string]*string{"refresh_token_idle": &c.RefreshIdle, "refresh_token_lifetime": &c.RefreshLifetime, "refresh_token_grace": &c.RefreshGrace}
}

func (c *Client) checkRefreshing(p *Problems, at string) {
	const day = 24 * time.Hour
	for _, f := range []struct {
		name, value string
		least, most time.Duration
	}{
		{"refresh_token_idle", c.RefreshIdle, time.Minute, 3650 * day},
		{"refresh_token_lifetime", c.RefreshLifetime, time.Minute, 3650 * day},
		{"refresh_token_grace", c.RefreshGrace, 0, time.Minute},
	} {
		var d config.Duration
		if f.value == "" {
			continue
		}
		if !c.May(RefreshToken) {
			p.add(at+"."+f.name, "needs the grant type %s", RefreshToken)
			continue
		}
		if err := d.UnmarshalText([]byte(f.value)); err != nil || time.Duration(d) < f.least || time.Duration(d) > f.most {
			p.about(at+"."+f.name, fmt.Sprintf("want a time from %s to %s", config.Duration(f.least), config.Duration(f.most)), ", not %q", f.value)
		}
	}
	if !slices.Contains([]string{c.RefreshIdle, c.RefreshLifetime}, "") && c.Refreshing().Idle > c.Refreshing().Lifetime {
		p.add(at+".refresh_token_idle", "is longer than refresh_token_lifetime")
	}
}
