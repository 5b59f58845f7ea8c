package web

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"tegata/idp/clients"
)

// resourcesOf gives the resources of a client: a scope or a type of details means what these
// say, and not what another resource calls the same.
func (p *Pages) resourcesOf(ctx context.Context, clientID string) []clients.Resource {
	client, err := p.Clients.ByID(ctx, clientID)
	if err != nil {
		return nil
	}
	all, err := p.Clients.Resources(ctx)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(all), func(r clients.Resource) bool { return !slices.Contains(client.Resources, r.ID) })
}

// otherInWords tells a scope of a resource as the resource does, else with the resource's
// name, and one that no resource takes as it is.
func (p *Pages) otherInWords(lang, scope string, all []clients.Resource) string {
	r, name, ok := clients.NameOfScope(all, scope, lang)
	switch {
	case !ok:
		return p.Page.Catalog.Text(lang, "scope.other", map[string]any{"scope": scope})
	case name == "":
		return p.Page.Catalog.Text(lang, "scope.resource", map[string]any{"scope": scope, "resource": r.NameIn(lang)})
	}
	return p.Page.Catalog.Text(lang, "scope.named", map[string]any{"name": name, "resource": r.NameIn(lang)})
}

// detailsIn is detailsOf with the types in the words that their resources have for them, and
// with texts in quotes that could be taken for our own words.
func (p *Pages) detailsIn(lang, list string, all []clients.Resource) []detail {
	details := detailsOf(list)
	for _, one := range details {
		p.quoteWords(one.Members)
	}
	var objects []json.RawMessage
	if json.Unmarshal([]byte(list), &objects) != nil || len(objects) != len(details) {
		return details
	}
	for i, object := range objects {
		if title := clients.NameOfDetails(all, typeOf(object), lang); title != "" {
			details[i].Type = name{Text: title}
		}
	}
	return details
}

// typeOf gives the type of one object of authorization details; "" when it does not have
// exactly one, since a title must not stand above anything else.
func typeOf(object json.RawMessage) (kind string) {
	in := json.NewDecoder(bytes.NewReader(object))
	if open, err := in.Token(); err != nil || open != json.Delim('{') {
		return ""
	}
	for found := false; in.More(); {
		key, err := in.Token()
		var value json.RawMessage
		if err != nil || in.Decode(&value) != nil {
			return ""
		}
		if key != "type" {
			continue
		}
		if found || json.Unmarshal(value, &kind) != nil {
			return ""
		}
		found = true
	}
	return kind
}
