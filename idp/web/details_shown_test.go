package web

import (
	"strings"
	"testing"
)

// A client sends what it likes, so the cost of showing it grows no faster than its length:
// brackets that begin no number of a character do not copy what stands behind them.
func TestBracketsOfADetailCostNoMoreThanTheirNumber(t *testing.T) {
	text, got := strings.Repeat("[", 60_000), ""
	if copies := testing.AllocsPerRun(1, func() { got = shown(text) }); copies > 100 {
		t.Errorf("%.0f copies were made for %d brackets, want some for the growing text alone", copies, len(text))
	}
	if got != text {
		t.Error("brackets that begin no number are changed")
	}
}
