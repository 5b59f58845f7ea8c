package verbs

import (
	"time"

	"tegata/shared/config"
)

// Length is a flag such as 90d: a length of time as the configuration takes it, days too.
type Length struct{ time.Duration }

// Set reads it.
func (l *Length) Set(text string) error {
	var d config.Duration
	if err := d.UnmarshalText([]byte(text)); err != nil {
		return err
	}
	l.Duration = time.Duration(d)
	return nil
}

// Type is what help calls the value.
func (l *Length) Type() string { return "time" }

// String gives it as Set reads it.
func (l *Length) String() string { return config.Duration(l.Duration).String() }
