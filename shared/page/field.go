package page

import (
	"fmt"
	"slices"

	"tegata/shared/locale"
)

// Field is what the partials "field", "password", "select", "checkbox" and "radios"
// draw: a label, a control, a hint and the error beside it.
type Field struct {
	Name, ID     string
	Label        any // sentence; template.HTML from Rich stays as it is
	Hint         any // "" for none
	Type         string
	Value        string
	Autocomplete string
	InputMode    string
	MaxLength    int
	Size         string // "short" for codes and years, "" for the whole column
	Required     bool
	Readonly     bool
	Autofocus    bool
	Checked      bool
	Rules        string // id of a rules list that describes this field
	Empty        string // first, empty choice of a select
	Options      []Option
	Error        string
	Show, Hide   string // words of the show-password button
}

// Option is one choice. Text is a sentence, not a key.
type Option struct{ Value, Text string }

// Describes lists the ids of what explains the field, for aria-describedby.
func (f Field) Describes() string {
	var ids string
	add := func(is bool, id string) {
		if is && ids != "" {
			ids += " "
		}
		if is {
			ids += id
		}
	}
	add(f.Error != "", f.ID+"-error")
	add(f.Hint != "", f.ID+"-hint")
	add(f.Rules != "", f.Rules)
	return ids
}

// Field prepares a field. pairs are:
//
//	"type" "email"        of the input; text by default
//	"value" .Data.Email   what is in it (never shown again by "password")
//	"label" "key"         field.NAME by default
//	"hint" "key"          a line under the label
//	"labeltext", "hinttext"  the same as ready text, of .T or .Rich
//	"required" true       a star, and aria-required
//	"options" list        for select and radios: []page.Option, or []locale.Country
//	"empty" "key"         the prompt of a select
//	"checked" true        of a checkbox; "value" is "yes" by default
//	"autocomplete" "username", "inputmode" "numeric", "maxlength" 60, "size" "short",
//	"autofocus" true, "readonly" true, "id" "other", "rules" "password-rules"
func (v *View) Field(name string, pairs ...any) (Field, error) {
	args, err := pairsOf(pairs)
	if err != nil {
		return Field{}, fmt.Errorf("field %s: %w", name, err)
	}
	f := Field{Name: name, ID: name, Type: "text", Label: "", Hint: ""}
	label := "field." + name
	for key, value := range args {
		if err := f.set(v, key, value); err != nil {
			return Field{}, fmt.Errorf("field %s: %s: %w", name, key, err)
		}
		if key == "label" {
			label = fmt.Sprint(value)
		}
	}
	if f.Label == "" {
		f.Label = v.text(label, nil)
	}
	f.Error = v.Err(name)
	f.Show, f.Hide = v.text("page.password_show", nil), v.text("page.password_hide", nil)
	v.fields[name] = seat{f.ID, len(v.fields) + 1}
	return f, nil
}

// set takes one pair. Values come from templates, so their types are loose.
func (f *Field) set(v *View, key string, value any) error {
	text, isText := value.(string)
	is, isBool := value.(bool)
	switch key {
	case "labeltext":
		f.Label = value
	case "hinttext":
		f.Hint = value
	case "hint":
		f.Hint = v.text(text, nil)
	case "empty":
		f.Empty = v.text(text, nil)
	case "options":
		return f.setOptions(value)
	case "value":
		f.Value = fmt.Sprint(value)
	case "maxlength":
		n, ok := value.(int)
		f.MaxLength = n
		return wanted(ok, value)
	default:
		if target := f.flag(key); target != nil {
			*target = is
			return wanted(isBool, value)
		}
		if target := f.word(key); target != nil {
			*target = text
			return wanted(isText, value)
		}
		return wanted(key == "label" && isText, value)
	}
	return nil
}

// flag finds what a yes or no goes into.
func (f *Field) flag(key string) *bool {
	return map[string]*bool{"required": &f.Required, "readonly": &f.Readonly, "autofocus": &f.Autofocus, "checked": &f.Checked}[key]
}

// word finds what a plain text goes into.
func (f *Field) word(key string) *string {
	return map[string]*string{
		"type": &f.Type, "id": &f.ID, "autocomplete": &f.Autocomplete, "inputmode": &f.InputMode, "size": &f.Size, "rules": &f.Rules,
	}[key]
}

func (f *Field) setOptions(value any) error {
	switch list := value.(type) {
	case []Option:
		f.Options = list
	case []locale.Country:
		for _, c := range list {
			f.Options = append(f.Options, Option{c.Code, c.Name})
		}
	default:
		return wanted(false, value)
	}
	return nil
}

func wanted(ok bool, value any) error {
	if !ok {
		return fmt.Errorf("unknown, or it cannot be %v", value)
	}
	return nil
}

// Rule is one line of a list of rules, such as those of a password.
type Rule struct {
	Key   string
	Args  map[string]any
	Test  string // for the script that ticks rules: "length 12 60", "lower", "upper", "digit", "symbol", "apart email"; "" if only the server can tell
	State string // "" before anything was sent, then "met" or "unmet"
}

// Rules is a list of rules about the field For.
type Rules struct {
	ID, For, Title string
	Met, Unmet     string // words for those who do not see the marks
	Items          []RuleItem
}

// RuleItem is one line of Rules.
type RuleItem struct{ Text, Test, State string }

// Rules prepares the partial "rules": a list that describes the field of that name.
// The field says so with "rules" "NAME-rules".
func (v *View) Rules(field, titleKey string, rules []Rule) Rules {
	list := Rules{
		ID: field + "-rules", For: field, Title: v.text(titleKey, nil),
		Met: v.text("page.rule_met", nil), Unmet: v.text("page.rule_unmet", nil),
	}
	for _, r := range rules {
		list.Items = append(list.Items, RuleItem{v.text(r.Key, r.Args), r.Test, r.State})
	}
	return list
}

// Button is what the partial "submit" draws.
type Button struct {
	ID, Text, Name, Value, Action, Kind string // Kind: "" (the main one), "plain", "danger"
}

// Button prepares a submit button; pairs are "name", "value", "action" (formaction)
// and "kind".
func (v *View) Button(id, key string, pairs ...any) (Button, error) {
	args, err := pairsOf(pairs)
	b := Button{ID: id, Text: v.text(key, nil)}
	targets := map[string]*string{"name": &b.Name, "value": &b.Value, "action": &b.Action, "kind": &b.Kind}
	for name, value := range args {
		target := targets[name]
		if target == nil {
			return b, fmt.Errorf("button %s: %s is unknown", id, name)
		}
		*target = fmt.Sprint(value)
	}
	return b, err
}

// Notice is what the partial "notice" draws.
type Notice struct {
	Kind string // "info", "good", "warning", "problem"
	Text any
}

// Notice prepares a box with one sentence, which may use Rich's values.
func (v *View) Notice(kind, key string, pairs ...any) (Notice, error) {
	if !slices.Contains([]string{"info", "good", "warning", "problem"}, kind) {
		return Notice{}, fmt.Errorf("notice of kind %q", kind)
	}
	text, err := v.Rich(key, pairs...)
	return Notice{kind, text}, err
}

// Tab is one of the tabs of a page.
type Tab struct {
	Href, Text string
	Here       bool
}

// Tabs prepares the partial "tabs": places and the keys of their names in turn. The
// longest place that fits this page is marked.
func (v *View) Tabs(label string, pairs ...string) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("tabs: a place without a name")
	}
	var tabs []Tab
	here := -1
	for i := 0; i < len(pairs); i += 2 {
		tabs = append(tabs, Tab{Href: pairs[i], Text: v.text(pairs[i+1], nil)})
		if v.Here(pairs[i]) && (here < 0 || len(pairs[i]) > len(tabs[here].Href)) {
			here = i / 2
		}
	}
	if here >= 0 {
		tabs[here].Here = true
	}
	return map[string]any{"Label": v.text(label, nil), "Tabs": tabs}, nil
}
