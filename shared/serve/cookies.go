package serve

import (
	"net/http"
	"time"
)

// Cookies sets and reads our cookies: HttpOnly, SameSite=Lax, for the whole site and
// this host only. With Secure their names begin with __Host-, so that no sibling host
// can plant one.
type Cookies struct{ Secure bool }

// Name is the cookie's name as it travels.
func (c Cookies) Name(name string) string {
	if c.Secure {
		return "__Host-" + name
	}
	return name
}

// Set gives the browser a cookie for maxAge; 0 means until the browser is closed.
func (c Cookies) Set(w http.ResponseWriter, name, value string, maxAge time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: c.Name(name), Value: value, Path: "/", MaxAge: int(maxAge / time.Second),
		Secure: c.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// Keep gives the cookie's value; a browser that has none gets what fresh makes, until
// it is closed.
func (c Cookies) Keep(w http.ResponseWriter, r *http.Request, name string, fresh func() string) string {
	if value := c.Read(r, name); value != "" {
		return value
	}
	value := fresh()
	c.Set(w, name, value, 0)
	return value
}

// Clear takes the cookie away.
func (c Cookies) Clear(w http.ResponseWriter, name string) {
	http.SetCookie(w, &http.Cookie{
		Name: c.Name(name), Path: "/", MaxAge: -1,
		Secure: c.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// Read gives the cookie's value, "" when there is none.
func (c Cookies) Read(r *http.Request, name string) string {
	cookie, err := r.Cookie(c.Name(name))
	if err != nil {
		return ""
	}
	return cookie.Value
}

// ReadableName is Name for cookies that scripts of one path read: __Host- is not for
// those, since it stands for the whole site.
func (c Cookies) ReadableName(name string) string {
	if c.Secure {
		return "__Secure-" + name
	}
	return name
}

// SetReadable gives the browser a cookie that goes to path alone and that scripts
// there may read, also within a frame of another site. It must hold no secret.
func (c Cookies) SetReadable(w http.ResponseWriter, name, value, path string, maxAge time.Duration) {
	site := http.SameSiteLaxMode
	if c.Secure {
		site = http.SameSiteNoneMode // which browsers take with Secure only
	}
	http.SetCookie(w, &http.Cookie{
		Name: c.ReadableName(name), Value: value, Path: path, MaxAge: int(maxAge / time.Second), Secure: c.Secure, SameSite: site,
	})
}
