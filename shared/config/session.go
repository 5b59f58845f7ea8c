package config

import "time"

// Session is how long a browser stays signed in.
type Session struct {
	Idle     Duration `yaml:"idle"`
	Absolute Duration `yaml:"absolute"`
}

// Check finds what is wrong with the section session.
func (s Session) Check(p *Problems) {
	p.Lasts("session.idle", s.Idle, time.Minute, 90*24*time.Hour)
	p.Lasts("session.absolute", s.Absolute, time.Minute, 365*24*time.Hour)
	if s.Idle > s.Absolute {
		p.Add("session.idle", "is longer than session.absolute (%s)", s.Absolute)
	}
}
