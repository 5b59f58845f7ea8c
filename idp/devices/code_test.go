package devices_test

import (
	"strings"
	"testing"

	"tegata/idp/devices"
)

func TestCodesAsPeopleTypeThem(t *testing.T) { // RFC 8628 §6.1
	for _, typed := range []string{"WDJB-MJHT", "wdjbmjht", " wdjb mjht ", "WDJB－MJHT", "ＷＤＪＢ　ｍｊｈｔ", "W-D-J-B-M-J-H-T", "WDJBーMJHT"} {
		if code, ok := devices.ParseCode(typed); !ok || code != "WDJBMJHT" {
			t.Errorf("%q reads as %q, %v", typed, code, ok)
		}
	}
	for _, typed := range []string{"", "WDJB-MJH", "WDJB-MJHTX", "WDJB-MJHA", "WDJB-MJH1", "WDJB.MJHT", "WDJB-MJHT" + strings.Repeat(" ", 60), "ＷＤＪＢ１"} {
		if code, ok := devices.ParseCode(typed); ok {
			t.Errorf("%q reads as %q", typed, code)
		}
	}
}

func FuzzCodesAsPeopleTypeThem(f *testing.F) {
	for _, seed := range []string{"WDJB-MJHT", "ｗdjb　mjht", "\xff\xfe", "ＺＺＺＺ-ｚｚｚｚ", "--------"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := devices.ParseCode(typed)
		if !ok {
			return
		}
		if len(code) != 8 || strings.Trim(code, "BCDFGHJKLMNPQRSTVWXZ") != "" {
			t.Errorf("%q reads as %q", typed, code)
		}
		if again, ok := devices.ParseCode(code); !ok || again != code {
			t.Errorf("%q reads as %q, which reads as %q", typed, code, again)
		}
	})
}
