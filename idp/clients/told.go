package clients

import (
	"strings"

	"tegata/shared/locale"
)

// Told gives the reason in a language; "" where there is none. What the answer said is
// kept in English, since that is what the client got; readers see it in their language:
// "refusal.…" in the catalog, by the words of the sentence. One that the catalog does
// not have is told as what its code means, and in English as it is.
func (r Request) Told(words *locale.Catalog, lang string) string {
	key, values := r.Sentence()
	if key == "" {
		return ""
	}
	if why := r.Details["why"]; why != "" {
		values["why"] = r.translated(words, lang, why)
	}
	return words.Text(lang, key, values)
}

func (r Request) translated(words *locale.Catalog, lang, why string) string {
	key, code := refusalKey(why), "doctor.code."+r.Outcome
	switch {
	case words.Has(key):
		return words.Text(lang, key, nil)
	case lang == "en":
		return why
	case words.Has(code):
		return words.Text(lang, code, nil)
	}
	return words.Text(lang, "doctor.code.other", map[string]any{"code": r.Outcome})
}

// refusalKey is the key of a sentence: its letters and digits, with one underscore for
// whatever stands between.
func refusalKey(sentence string) string {
	words := strings.FieldsFunc(strings.ToLower(sentence), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	return "refusal." + strings.Join(words, "_")
}
