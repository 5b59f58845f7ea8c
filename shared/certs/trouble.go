package certs

import (
	"sync/atomic"
	"time"
)

// tellAgain is how long the log is left alone with a mistake that it knows: a line of
// last month is one that nobody finds.
const tellAgain = time.Hour

// trouble is what is wrong with a file while the old one stays. Its owner's lock guards
// it, but for failing.
type trouble struct {
	failing atomic.Bool
	told    string // the mistake that was logged last
	at      time.Time
}

// note takes what came of a look, and tells whether the log has to hear of it: at first,
// when it is another mistake, and every hour while it lasts.
func (t *trouble) note(err error) (tell bool) {
	t.failing.Store(err != nil)
	if err == nil {
		t.told = ""
		return false
	}
	if text := err.Error(); text != t.told || time.Since(t.at) >= tellAgain {
		t.told, t.at = text, time.Now()
		return true
	}
	return false
}
