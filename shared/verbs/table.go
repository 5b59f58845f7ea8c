package verbs

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// JSON writes value for programs: indented, in one piece.
func JSON(w io.Writer, value any) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(value)
}

// Table writes rows under their heads in columns. What strangers typed cannot move the
// cursor or colour the terminal: control characters are shown as "?".
func Table(w io.Writer, heads []string, rows [][]string) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{heads}, rows...) {
		for i, cell := range row {
			row[i] = Plain(cell)
		}
		if _, err := fmt.Fprintln(out, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	return out.Flush()
}

// Facts writes names with their values, one per line; empty values are left out.
func Facts(w io.Writer, facts ...[2]string) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range facts {
		if f[1] == "" {
			continue
		}
		if _, err := fmt.Fprintf(out, "%s\t%s\n", f[0], Plain(f[1])); err != nil {
			return err
		}
	}
	return out.Flush()
}

// Plain replaces control and other invisible characters.
func Plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

// Time writes a time for people, "" for none. UTC, since logs are too.
func Time(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}
