package locale

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:generate go run country_generate.go

// countryTable has one line per country of ISO 3166-1: code, place in the English
// order, English name, Japanese name; the lines are in the Japanese order.
//
//go:embed countries.tsv
var countryTable string

// Country is a country or region with its name in one language.
type Country struct {
	Code string // ISO 3166-1 alpha-2
	Name string // CLDR 48
}

type countryLists struct {
	byLanguage map[string][]Country
	names      map[string]map[string]string // language → code → name
}

// countries reads the table when somebody first asks.
var countries = sync.OnceValue(func() countryLists {
	lines := strings.Split(strings.TrimSpace(countryTable), "\n")
	ja, en := make([]Country, len(lines)), make([]Country, len(lines))
	all := countryLists{names: map[string]map[string]string{"en": {}, "ja": {}}}
	for i, line := range lines {
		f := strings.Split(line, "\t")
		place, _ := strconv.Atoi(f[1]) // the generator wrote it, a test reads it
		en[place], ja[i] = Country{f[0], f[2]}, Country{f[0], f[3]}
		all.names["en"][f[0]], all.names["ja"][f[0]] = f[2], f[3]
	}
	all.byLanguage = map[string][]Country{"en": en, "ja": ja}
	return all
})

// Countries gives all countries by their names in lang: in Japanese with Japan
// first and the others in the order of their readings (五十音順), in English (and
// for any other language) by the alphabet. S-017.
func Countries(lang string) []Country {
	all := countries()
	if list, ok := all.byLanguage[lang]; ok {
		return slices.Clone(list)
	}
	return slices.Clone(all.byLanguage["en"])
}

// CountryName gives the name of a country in lang, or the code itself if unknown.
func CountryName(lang, code string) string {
	all := countries()
	names, ok := all.names[lang]
	if !ok {
		names = all.names["en"]
	}
	if name, ok := names[code]; ok {
		return name
	}
	return code
}

// IsCountry tells whether code is an ISO 3166-1 alpha-2 code, in capitals.
func IsCountry(code string) bool {
	_, ok := countries().names["en"][code]
	return ok
}
