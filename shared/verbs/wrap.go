package verbs

import (
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/width"
)

// Below is how many columns a line below a row of Annotated may have: it is indented by
// four, and a terminal of 80 columns does not break it.
const Below = 75

// Annotated writes a table with lines below each row, for what is too long for a column.
func Annotated(w io.Writer, heads []string, rows, below [][]string) error {
	var table strings.Builder
	if err := Table(&table, heads, rows); err != nil {
		return err
	}
	for i, row := range strings.Split(strings.TrimSuffix(table.String(), "\n"), "\n") {
		if _, err := fmt.Fprintln(w, strings.TrimRight(row, " ")); err != nil {
			return err
		}
		if i == 0 {
			continue // the heads
		}
		for _, line := range below[i-1] {
			if _, err := fmt.Fprintln(w, "    "+Plain(line)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Wrap breaks a text into lines of so many columns: between words, and within a word that
// is longer. Characters of East Asia take two columns (Unicode Standard Annex 11).
func Wrap(text string, columns int) []string {
	var all []string
	left := 0 // of the last line
	for _, word := range strings.Fields(text) {
		if need := span(word); len(all) > 0 && need < left {
			all[len(all)-1] += " " + word
			left -= need + 1
			continue
		}
		for word != "" {
			line, rest := fill(word, columns)
			all, left, word = append(all, line), columns-span(line), rest
		}
	}
	return all
}

// fill cuts off as much of a word as so many columns hold, at least one character.
func fill(word string, columns int) (line, rest string) {
	used := 0
	for i, r := range word {
		if used += span(string(r)); used > columns && i > 0 {
			return word[:i], word[i:]
		}
	}
	return word, ""
}

// span is how many columns a text takes.
func span(text string) (columns int) {
	for _, r := range text {
		columns++
		if kind := width.LookupRune(r).Kind(); kind == width.EastAsianWide || kind == width.EastAsianFullwidth {
			columns++
		}
	}
	return columns
}
