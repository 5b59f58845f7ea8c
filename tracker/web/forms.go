package web

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"tegata/shared/locale"
	"tegata/shared/page"
	"tegata/tracker/candidates"
)

// addressForm is the form of a mailing address, as the template wants it.
type addressForm struct {
	candidates.Address
	Countries     []locale.Country
	Rule          candidates.PostalRule // of the country that is chosen
	NeedPostcode  string                // countries that need one, for the script that moves the star
	NeedRegion    string
	JapaneseOrder bool // country and postcode first, as addresses are written in Japan
}

func addressFormOf(r *http.Request, a candidates.Address) addressForm {
	lang := page.Language(r)
	return addressForm{
		Address: a, Countries: locale.Countries(lang), Rule: candidates.PostalRuleOf(a.Country),
		NeedPostcode: strings.Join(candidates.NeedingPostcode(), " "), NeedRegion: strings.Join(candidates.NeedingRegion(), " "),
		JapaneseOrder: lang == "ja",
	}
}

// readAddress takes what was typed.
func readAddress(r *http.Request) candidates.Address {
	return candidates.Address{
		Recipient: r.PostFormValue("recipient"), Line1: r.PostFormValue("line1"), Line2: r.PostFormValue("line2"),
		City: r.PostFormValue("city"), Region: r.PostFormValue("region"), Postcode: r.PostFormValue("postcode"),
		Country: r.PostFormValue("country"), Phone: r.PostFormValue("phone"),
	}
}

// settingsForm is the form of the settings, as the template wants it.
type settingsForm struct {
	candidates.Settings
	Languages      []page.Option
	Zones          []page.Option
	Communications []page.Option
}

func (p *Pages) settingsFormOf(r *http.Request, s candidates.Settings) settingsForm {
	form := settingsForm{Settings: s, Zones: zoneOptions(p.Clock())}
	for _, lang := range p.Candidates.Languages {
		form.Languages = append(form.Languages, page.Option{Value: lang, Text: p.Catalog.Text(lang, "page.language_name", nil)})
	}
	for _, c := range []candidates.Communication{candidates.Essential, candidates.News} {
		form.Communications = append(form.Communications, page.Option{Value: string(c), Text: p.text(r, "communication."+string(c), nil)})
	}
	return form
}

// zoneOptions lists the zones from west to east with the offset they have today.
func zoneOptions(now time.Time) []page.Option {
	names := candidates.Zones()
	offset := func(zone string) int {
		_, seconds := now.In(candidates.Location(zone)).Zone()
		return seconds
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(offset(a), offset(b)) })
	options := make([]page.Option, len(names))
	for i, name := range names {
		sign, seconds := '+', offset(name)
		if seconds < 0 {
			sign, seconds = '-', -seconds
		}
		text := fmt.Sprintf("(UTC%c%02d:%02d) %s", sign, seconds/3600, seconds/60%60, strings.ReplaceAll(name, "_", " "))
		options[i] = page.Option{Value: name, Text: text}
	}
	return options
}

// readSettings takes what was chosen.
func readSettings(r *http.Request) candidates.Settings {
	return candidates.Settings{
		Language: r.PostFormValue("language"), Zone: r.PostFormValue("zone"),
		Communication: candidates.Communication(r.PostFormValue("communication")),
	}
}
