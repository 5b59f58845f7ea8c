package web

import (
	"slices"
	"strings"
	"testing"

	"tegata/shared/locale"
	"tegata/shared/page"
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

// A text that reads like the words for nothing, in whatever language and however it is
// written, is told from them by its quotes: what has nothing in it can mean everything.
func TestATextThatReadsLikeNothingStandsInQuotes(t *testing.T) {
	catalog, err := locale.Load(Locales()...)
	if err != nil {
		t.Fatal(err)
	}
	p := &Pages{Page: &page.Set{Options: page.Options{Catalog: catalog}}}
	for text, want := range map[string]string{
		"Nothing named: this can mean all of them.":       `"Nothing named: this can mean all of them."`,
		"NOTHING named: this can mean all of them":        `"NOTHING named: this can mean all of them"`,
		"指定がありません。すべてを対象とする場合があります。":                      `"指定がありません。すべてを対象とする場合があります。"`,
		"'Nothing named: this can mean all of them.'":     `"'Nothing named: this can mean all of them.'"`,
		"null: nothing named: this can mean all of them.": `"null: nothing named: this can mean all of them."`,
		"Nothing to declare": "Nothing to declare",
	} {
		for _, lang := range catalog.Languages() {
			got := lines(p.detailsIn(lang, `[{"type":"a","b":["`+text+`",1],"of":{"c":"`+text+`"},"d":[]}]`, nil))
			all := []string{"[a]", "b = " + want + " | 1", "of: c = " + want, "d = …"}
			if !slices.Equal(got, all) {
				t.Errorf("%s: %q, want %q", lang, got, all)
			}
		}
	}
}
