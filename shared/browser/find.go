package browser

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// find gives the control of one of kinds that a person would call words: the one with
// exactly this name, else the only one whose name begins so. "submit" stands for
// <input type=submit>, "legend" for nothing that can be found.
func find(doc *html.Node, words string, kinds ...string) *html.Node {
	var begins []*html.Node
	for _, n := range controls(doc, kinds) {
		switch called := name(root(doc), n); {
		case called == words:
			return n
		case strings.HasPrefix(called, words):
			begins = append(begins, n)
		}
	}
	if len(begins) == 1 {
		return begins[0]
	}
	return nil
}

// names lists what find could have found.
func names(doc *html.Node, kinds ...string) string {
	var list []string
	for _, n := range controls(doc, kinds) {
		list = append(list, `"`+name(root(doc), n)+`"`)
	}
	for _, kind := range kinds {
		if kind == "legend" {
			for _, n := range all(doc, "legend") {
				list = append(list, `"`+unstar(visible(n))+`"`)
			}
		}
	}
	return strings.Join(list, ", ")
}

// controls gives the visible elements of kinds in the order of the page.
func controls(doc *html.Node, kinds []string) []*html.Node {
	var found []*html.Node
	each(doc, func(n *html.Node) {
		kind := n.Data
		if kind == "input" && slices.Contains([]string{"submit", "button", "image"}, strings.ToLower(attr(n, "type"))) {
			kind = "submit"
		}
		if slices.Contains(kinds, kind) && !hidden(n) && (kind != "input" || typed(n)) {
			found = append(found, n)
		}
	})
	return found
}

// typed tells whether a person can do something with a field.
func typed(n *html.Node) bool {
	if n.Data != "input" {
		return true
	}
	return !slices.Contains([]string{"hidden", "submit", "button", "image", "reset"}, strings.ToLower(attr(n, "type")))
}

// untouchable says why a field cannot be filled, "" if it can.
func untouchable(n *html.Node) string {
	for _, reason := range []string{"disabled", "readonly"} {
		if has(n, reason) {
			return reason
		}
	}
	return ""
}

// name is what assistive technology calls a control, in the usual cases of the
// accessible name computation: aria-labelledby, aria-label, labels, its own text, alt.
func name(doc, n *html.Node) string {
	if ids := attr(n, "aria-labelledby"); ids != "" {
		var parts []string
		for _, id := range strings.Fields(ids) {
			if l := byID(doc, id); l != nil {
				parts = append(parts, visible(l))
			}
		}
		return unstar(strings.Join(parts, " "))
	}
	if label := attr(n, "aria-label"); label != "" {
		return squash(label)
	}
	switch n.Data {
	case "input", "select", "textarea":
		if kind := strings.ToLower(attr(n, "type")); kind == "submit" || kind == "button" {
			return squash(attr(n, "value"))
		}
		return unstar(labels(doc, n))
	}
	return squash(visible(n))
}

// labels gives the text of the labels of a field.
func labels(doc, n *html.Node) string {
	if id := attr(n, "id"); id != "" {
		for _, l := range all(doc, "label") {
			if attr(l, "for") == id {
				return visible(l)
			}
		}
	}
	for up := n.Parent; up != nil; up = up.Parent {
		if up.Type == html.ElementNode && up.Data == "label" {
			return visible(up)
		}
	}
	return ""
}

// unstar takes away the star of a required field and the spaces around.
func unstar(s string) string { return strings.TrimRight(squash(s), " *＊") }

// squash makes one space of each run of them.
func squash(s string) string { return strings.Join(strings.Fields(s), " ") }

// visible gives the text of n that a person can see or hear; images speak their alt.
func visible(n *html.Node) string {
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		switch {
		case n.Type == html.TextNode:
			b.WriteString(n.Data)
		case n.Type == html.ElementNode && (unseen(n) || attr(n, "aria-hidden") == "true"):
			return
		case n.Type == html.ElementNode && n.Data == "img":
			b.WriteString(" " + attr(n, "alt") + " ")
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
		if n.Type == html.ElementNode && !inline[n.Data] {
			b.WriteByte(' ')
		}
	}
	walk(n)
	return b.String()
}

// inline are the elements that do not end a word.
var inline = map[string]bool{
	"a": true, "abbr": true, "b": true, "bdi": true, "code": true, "em": true, "i": true, "kbd": true, "mark": true,
	"small": true, "span": true, "strong": true, "sub": true, "sup": true, "time": true, "wbr": true,
}

// unseen tells whether an element is never shown.
func unseen(n *html.Node) bool {
	return slices.Contains([]string{"script", "style", "template", "head", "noscript"}, n.Data) || has(n, "hidden")
}

// hidden tells whether n or something around it is not there for people.
func hidden(n *html.Node) bool {
	for ; n != nil; n = n.Parent {
		if n.Type == html.ElementNode && (unseen(n) || attr(n, "aria-hidden") == "true") {
			return true
		}
	}
	return false
}

// content is all text inside n.
func content(n *html.Node) string {
	var b strings.Builder
	each(n, nil, func(n *html.Node) { b.WriteString(n.Data) })
	return b.String()
}

// each calls element for every element below n, and text (if given) for every text.
func each(n *html.Node, element func(*html.Node), text ...func(*html.Node)) {
	for c := range n.Descendants() {
		switch {
		case c.Type == html.ElementNode && element != nil:
			element(c)
		case c.Type == html.TextNode && len(text) > 0:
			text[0](c)
		}
	}
}

// all gives the elements of a name below n.
func all(n *html.Node, called string) []*html.Node {
	var found []*html.Node
	each(n, func(c *html.Node) {
		if c.Data == called {
			found = append(found, c)
		}
	})
	return found
}

func first(n *html.Node, called string) *html.Node {
	if found := all(n, called); len(found) > 0 {
		return found[0]
	}
	return nil
}

func byID(doc *html.Node, id string) *html.Node {
	var found *html.Node
	each(doc, func(n *html.Node) {
		if found == nil && attr(n, "id") == id {
			found = n
		}
	})
	return found
}

func root(n *html.Node) *html.Node {
	for n.Parent != nil {
		n = n.Parent
	}
	return n
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, key string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
}

func setAttr(n *html.Node, key, value string) {
	dropAttr(n, key)
	n.Attr = append(n.Attr, html.Attribute{Key: key, Val: value})
}

func dropAttr(n *html.Node, key string) {
	n.Attr = slices.DeleteFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
}
