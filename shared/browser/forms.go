package browser

import (
	"fmt"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// sending is a form about to be sent.
type sending struct {
	method, action string
	values         url.Values
}

// send gathers what a browser sends when button (nil: nobody) submits form: HTML
// §4.10.21. It fails where a browser would stop and ask to fill in a field.
func send(doc, form, button *html.Node) (sending, error) {
	s := sending{method: attr(form, "method"), action: attr(form, "action"), values: url.Values{}}
	checked := !has(form, "novalidate")
	if button != nil {
		s.method, s.action = override(button, "formmethod", s.method), override(button, "formaction", s.action)
		checked = checked && !has(button, "formnovalidate")
	}
	s.method = strings.ToUpper(s.method)
	if s.method == "" {
		s.method = "GET"
	}
	for _, n := range owned(doc, form) {
		if checked && has(n, "required") && blank(doc, form, n) {
			return s, fmt.Errorf("the browser would ask to fill in %q", name(doc, n))
		}
		add(s.values, n, button)
	}
	return s, nil
}

func override(button *html.Node, key, otherwise string) string {
	if has(button, key) {
		return attr(button, key)
	}
	return otherwise
}

// owned gives the controls of a form in the order of the page: those inside of it
// and those that name it with form=, without disabled ones.
func owned(doc, form *html.Node) []*html.Node {
	var found []*html.Node
	each(doc, func(n *html.Node) {
		switch n.Data {
		case "input", "select", "textarea", "button":
			if formOf(doc, n) == form && !disabled(n) {
				found = append(found, n)
			}
		}
	})
	return found
}

// formOf gives the form that a control belongs to, or nil.
func formOf(doc, n *html.Node) *html.Node {
	if has(n, "form") {
		f := byID(doc, attr(n, "form"))
		if f != nil && f.Data == "form" {
			return f
		}
		return nil
	}
	for up := n.Parent; up != nil; up = up.Parent {
		if up.Type == html.ElementNode && up.Data == "form" {
			return up
		}
	}
	return nil
}

func disabled(n *html.Node) bool {
	if has(n, "disabled") {
		return true
	}
	for up := n.Parent; up != nil; up = up.Parent {
		if up.Data == "fieldset" && has(up, "disabled") {
			return true
		}
	}
	return false
}

// add puts a control's value in, if it is one that is sent.
func add(values url.Values, n, button *html.Node) {
	key := attr(n, "name")
	if key == "" {
		return
	}
	switch n.Data {
	case "button":
		if n == button {
			values.Add(key, attr(n, "value"))
		}
	case "select":
		if o := selected(n); o != nil {
			values.Add(key, optionValue(o))
		}
	case "textarea":
		values.Add(key, strings.ReplaceAll(strings.ReplaceAll(text(n), "\r\n", "\n"), "\n", "\r\n"))
	default:
		addInput(values, key, n, button)
	}
}

func addInput(values url.Values, key string, n, button *html.Node) {
	switch strings.ToLower(attr(n, "type")) {
	case "submit", "image":
		if n == button {
			values.Add(key, attr(n, "value"))
		}
	case "button", "reset", "file":
	case "checkbox", "radio":
		if has(n, "checked") {
			value := "on"
			if has(n, "value") {
				value = attr(n, "value")
			}
			values.Add(key, value)
		}
	default:
		values.Add(key, attr(n, "value"))
	}
}

// text is what stands in a text field or area.
func text(n *html.Node) string {
	if n.Data == "textarea" {
		if has(n, "value") { // typed by the person
			return attr(n, "value")
		}
		return content(n)
	}
	return attr(n, "value")
}

// selected gives the chosen option of a list: the last one marked, else the first.
func selected(list *html.Node) *html.Node {
	var chosen *html.Node
	for _, o := range all(list, "option") {
		if has(o, "selected") || chosen == nil && !has(o, "disabled") {
			chosen = o
		}
	}
	return chosen
}

func optionValue(o *html.Node) string {
	if has(o, "value") {
		return attr(o, "value")
	}
	return squash(content(o))
}

// blank tells whether a required control lacks a value.
func blank(doc, form, n *html.Node) bool {
	switch {
	case n.Data == "select":
		o := selected(n)
		return o == nil || optionValue(o) == ""
	case strings.EqualFold(attr(n, "type"), "checkbox"):
		return !has(n, "checked")
	case strings.EqualFold(attr(n, "type"), "radio"):
		for _, other := range owned(doc, form) {
			if attr(other, "name") == attr(n, "name") && has(other, "checked") {
				return false
			}
		}
		return true
	}
	return text(n) == ""
}

// submitters gives the buttons that send a form, in order: the first is the one that
// the Enter key presses.
func submitters(doc, form *html.Node) []*html.Node {
	var found []*html.Node
	for _, n := range owned(doc, form) {
		kind := strings.ToLower(attr(n, "type"))
		if n.Data == "button" && (kind == "" || kind == "submit") || n.Data == "input" && (kind == "submit" || kind == "image") {
			found = append(found, n)
		}
	}
	return found
}
