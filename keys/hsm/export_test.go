package hsm

import "time"

// Token is what a device of a test does.
type Token = token

// Fake opens a device of a test: open gives its token, and after the limits of calls.
func Fake(c Config, open func() (Token, error), after func(time.Duration) <-chan time.Time) (*Device, error) {
	c.open, c.after = open, after
	return Open(c)
}
