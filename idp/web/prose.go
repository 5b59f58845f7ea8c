package web

import (
	"html/template"
	"regexp"
	"strings"
)

// link finds [text](address) in a text that is HTML-escaped already.
var link = regexp.MustCompile(`\[([^\]]+)\]\(([^)\s]+)\)`)

// prose turns a text of our catalogs into HTML: paragraphs, "## " headings, "- " lists
// and links to our own pages or to sections. Everything else is shown as it is typed.
func prose(text string) template.HTML {
	var b strings.Builder
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		block = strings.TrimSpace(block)
		switch {
		case strings.HasPrefix(block, "## "):
			b.WriteString("<h2>" + inline(block[3:]) + "</h2>\n")
		case strings.HasPrefix(block, "- "):
			b.WriteString("<ul>\n")
			for item := range strings.SplitSeq(block, "\n") {
				b.WriteString("<li>" + inline(strings.TrimPrefix(item, "- ")) + "</li>\n")
			}
			b.WriteString("</ul>\n")
		case block != "":
			b.WriteString("<p>" + inline(block) + "</p>\n")
		}
	}
	return template.HTML(b.String()) // built from escaped text and the tags above
}

// inline escapes one line and puts its links in.
func inline(line string) string {
	return link.ReplaceAllStringFunc(template.HTMLEscapeString(line), func(found string) string {
		part := link.FindStringSubmatch(found)
		if !strings.HasPrefix(part[2], "/") && !strings.HasPrefix(part[2], "#") || strings.HasPrefix(part[2], "//") {
			return found // the words link to our own pages only
		}
		return `<a href="` + part[2] + `">` + part[1] + `</a>`
	})
}
