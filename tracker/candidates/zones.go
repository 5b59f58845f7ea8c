package candidates

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// zones are the time zones that the settings offer: at least one for each offset and
// for each large country, by the names of the IANA database.
var zones = strings.Fields(`
	Pacific/Pago_Pago Pacific/Honolulu America/Anchorage America/Los_Angeles America/Phoenix America/Denver
	America/Chicago America/Mexico_City America/Costa_Rica America/Guatemala America/Regina America/New_York America/Toronto
	America/Bogota America/Lima America/Panama America/Jamaica America/Caracas America/Halifax America/La_Paz
	America/Santiago America/Puerto_Rico America/Asuncion America/St_Johns America/Sao_Paulo America/Argentina/Buenos_Aires
	America/Montevideo America/Nuuk Atlantic/South_Georgia Atlantic/Azores Atlantic/Cape_Verde
	UTC Europe/London Europe/Dublin Europe/Lisbon Atlantic/Reykjavik Africa/Casablanca Africa/Accra Africa/Abidjan
	Europe/Paris Europe/Berlin Europe/Madrid Europe/Rome Europe/Amsterdam Europe/Brussels Europe/Vienna Europe/Zurich
	Europe/Stockholm Europe/Oslo Europe/Copenhagen Europe/Warsaw Europe/Prague Europe/Budapest Europe/Belgrade
	Africa/Lagos Africa/Algiers Africa/Tunis Europe/Athens Europe/Bucharest Europe/Helsinki Europe/Kyiv Europe/Sofia
	Europe/Riga Europe/Tallinn Europe/Vilnius Asia/Jerusalem Asia/Beirut Africa/Cairo Africa/Johannesburg Africa/Tripoli
	Europe/Istanbul Europe/Moscow Europe/Minsk Asia/Riyadh Asia/Baghdad Asia/Kuwait Asia/Qatar Africa/Nairobi
	Asia/Tehran Asia/Dubai Asia/Baku Asia/Tbilisi Asia/Yerevan Indian/Mauritius Asia/Kabul Asia/Karachi Asia/Tashkent
	Asia/Almaty Asia/Yekaterinburg Asia/Kolkata Asia/Colombo Asia/Kathmandu Asia/Dhaka Asia/Yangon Asia/Bangkok
	Asia/Jakarta Asia/Ho_Chi_Minh Asia/Novosibirsk Asia/Shanghai Asia/Hong_Kong Asia/Taipei Asia/Singapore
	Asia/Kuala_Lumpur Asia/Manila Asia/Ulaanbaatar Australia/Perth Asia/Tokyo Asia/Seoul Australia/Adelaide
	Australia/Darwin Australia/Sydney Australia/Brisbane Asia/Vladivostok Pacific/Guam Pacific/Noumea
	Pacific/Auckland Pacific/Fiji Pacific/Chatham Pacific/Tongatapu Pacific/Apia Pacific/Kiritimati`)

// capital is a zone for countries that have one, or one that most people live in; it
// only fills a form.
var capital = map[string]string{
	"AE": "Asia/Dubai", "AR": "America/Argentina/Buenos_Aires", "AT": "Europe/Vienna", "AU": "Australia/Sydney",
	"BD": "Asia/Dhaka", "BE": "Europe/Brussels", "BR": "America/Sao_Paulo", "CA": "America/Toronto", "CH": "Europe/Zurich",
	"CL": "America/Santiago", "CN": "Asia/Shanghai", "CO": "America/Bogota", "CZ": "Europe/Prague", "DE": "Europe/Berlin",
	"DK": "Europe/Copenhagen", "EG": "Africa/Cairo", "ES": "Europe/Madrid", "FI": "Europe/Helsinki", "FR": "Europe/Paris",
	"GB": "Europe/London", "GR": "Europe/Athens", "HK": "Asia/Hong_Kong", "ID": "Asia/Jakarta", "IE": "Europe/Dublin",
	"IL": "Asia/Jerusalem", "IN": "Asia/Kolkata", "IT": "Europe/Rome", "JP": "Asia/Tokyo", "KE": "Africa/Nairobi",
	"KR": "Asia/Seoul", "LK": "Asia/Colombo", "MX": "America/Mexico_City", "MY": "Asia/Kuala_Lumpur", "NG": "Africa/Lagos",
	"NL": "Europe/Amsterdam", "NO": "Europe/Oslo", "NP": "Asia/Kathmandu", "NZ": "Pacific/Auckland", "PE": "America/Lima",
	"PH": "Asia/Manila", "PK": "Asia/Karachi", "PL": "Europe/Warsaw", "PT": "Europe/Lisbon", "RO": "Europe/Bucharest",
	"RU": "Europe/Moscow", "SA": "Asia/Riyadh", "SE": "Europe/Stockholm", "SG": "Asia/Singapore", "TH": "Asia/Bangkok",
	"TR": "Europe/Istanbul", "TW": "Asia/Taipei", "UA": "Europe/Kyiv", "US": "America/New_York", "VN": "Asia/Ho_Chi_Minh",
	"ZA": "Africa/Johannesburg",
}

// Zones gives the time zones that the settings offer, by their names.
func Zones() []string {
	all := slices.Clone(zones)
	slices.Sort(all)
	return all
}

// IsZone tells whether the settings may name this zone.
func IsZone(name string) bool { return slices.Contains(zones, name) }

// ZoneOf gives a likely zone for a country, or "".
func ZoneOf(country string) string { return capital[country] }

// locations holds the rules of every zone that we offer: reading them takes a
// millisecond and more, and a page that lists the zones needs all of them.
var locations = sync.OnceValue(func() map[string]*time.Location {
	all := make(map[string]*time.Location, len(zones))
	for _, zone := range zones {
		if at, err := time.LoadLocation(zone); err == nil {
			all[zone] = at
		}
	}
	return all
})

// Location gives the zone's rules; UTC for one that we do not offer.
func Location(zone string) *time.Location {
	if at, known := locations()[zone]; known {
		return at
	}
	return time.UTC
}
