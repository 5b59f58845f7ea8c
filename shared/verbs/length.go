package verbs

import (
	"errors"
	"strconv"
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

// Number is a flag such as 20. What is no number it refuses in words: pflag's own names the
// function that failed.
type Number int

// Set reads it.
func (n *Number) Set(text string) error {
	all, err := strconv.Atoi(text)
	if err != nil {
		return errors.New("want a whole number such as 20")
	}
	*n = Number(all)
	return nil
}

// Type is what help calls the value.
func (n *Number) Type() string { return "int" }

// String gives it as Set reads it.
func (n *Number) String() string { return strconv.Itoa(int(*n)) }
