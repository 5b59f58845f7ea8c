package locale

import (
	"fmt"
	"strings"
	"time"

	_ "time/tzdata" // zones by name on machines that have no zone files
)

var weekdays = [...]string{"日", "月", "火", "水", "木", "金", "土"}

// DateTime gives the moment t as people of lang write it, in zone (UTC if nil):
// 2019年11月7日(木) 12:02 JST, or Thu, Nov 7, 2019, 12:02 JST.
func DateTime(lang string, t time.Time, zone *time.Location) string {
	t = in(t, zone)
	if lang == "ja" {
		return fmt.Sprintf("%d年%d月%d日(%s) %s %s", t.Year(), t.Month(), t.Day(), weekdays[t.Weekday()], t.Format("15:04"), zoneName(t))
	}
	return t.Format("Mon, Jan 2, 2006, 15:04 ") + zoneName(t)
}

// Date gives the day of t in zone: 2019年11月7日, or November 7, 2019.
func Date(lang string, t time.Time, zone *time.Location) string {
	t = in(t, zone)
	if lang == "ja" {
		return fmt.Sprintf("%d年%d月%d日", t.Year(), t.Month(), t.Day())
	}
	return t.Format("January 2, 2006")
}

func in(t time.Time, zone *time.Location) time.Time {
	if zone == nil {
		zone = time.UTC
	}
	return t.In(zone)
}

// zoneName is JST, CET …; zones without letters of their own become UTC+04.
func zoneName(t time.Time) string {
	name, _ := t.Zone()
	if strings.HasPrefix(name, "+") || strings.HasPrefix(name, "-") {
		return "UTC" + name
	}
	return name
}
