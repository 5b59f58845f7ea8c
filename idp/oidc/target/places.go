package target

import (
	"context"
	"encoding/json"
	"slices"

	"tegata/idp/clients"
)

var (
	errLocations = refuse("The locations of the authorization_details are not a list of resources of the client that take their type.")
	errNowhere   = refuse("None of the resources takes the authorization_details.")
)

// about is what we look at of an object. RFC 9396 §2, §2.2.
type about struct {
	Type      string
	Locations json.RawMessage
}

// aboutOf reads names letter by letter, which encoding/json does for maps only.
func aboutOf(object json.RawMessage) (a about) {
	var members map[string]json.RawMessage
	if json.Unmarshal(object, &members) != nil || json.Unmarshal(members["type"], &a.Type) != nil {
		return about{}
	}
	a.Locations = members["locations"]
	return a
}

// named gives the locations; none for an object that names none. ok is false when they
// are no list of texts.
func (a about) named() (locations []string, ok bool) {
	if len(a.Locations) == 0 {
		return nil, true
	}
	var all []*string
	if json.Unmarshal(a.Locations, &all) != nil || all == nil {
		return nil, false
	}
	for _, one := range all {
		if one == nil {
			return nil, false
		}
		locations = append(locations, *one)
	}
	return locations, true
}

// goesTo tells whether the object may be in a token for the resource: it is of a type that
// the resource takes, and if it says for which places it is, this is one of them.
func (a about) goesTo(r clients.Resource) bool {
	locations, ok := a.named()
	return ok && slices.Contains(r.DetailTypes, a.Type) && (len(locations) == 0 || slices.Contains(locations, r.ID))
}

// Details reads authorization_details; each object has to be of a type that the client
// registered, and its locations have to be resources of the client that take it: a type
// that none of them takes is for our own endpoints. RFC 9396 §2.2, §5, §10.
func (f *Finder) Details(ctx context.Context, client *clients.Client, text string) (Details, error) {
	all, err := parseDetails(text)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	resources, err := f.of(ctx, client)
	if err != nil {
		return nil, err
	}
	for _, one := range all {
		a := aboutOf(one)
		if !slices.Contains(client.DetailTypes, a.Type) {
			return nil, errType
		}
		locations, ok := a.named()
		if !ok || !Within(locations, f.takers(resources, a.Type)) {
			return nil, errLocations
		}
	}
	return all, nil
}

// of gives the resources of the client.
func (f *Finder) of(ctx context.Context, client *clients.Client) ([]clients.Resource, error) {
	if len(client.Resources) == 0 {
		return nil, nil
	}
	all, err := f.Clients.Resources(ctx)
	return slices.DeleteFunc(slices.Clone(all), func(r clients.Resource) bool { return !slices.Contains(client.Resources, r.ID) }), err
}

// takers are the identifiers of the resources that take details of the type; ours where
// there is none.
func (f *Finder) takers(resources []clients.Resource, kind string) (ids []string) {
	for _, r := range resources {
		if slices.Contains(r.DetailTypes, kind) {
			ids = append(ids, r.ID)
		}
	}
	if len(ids) == 0 {
		return []string{f.Issuer}
	}
	return ids
}

// forAudience keeps of the details what is for the places of a token; what no resource of
// the client takes is for our own endpoints. RFC 9396 §9.1, §12.
func (f *Finder) forAudience(ctx context.Context, client *clients.Client, d Details, audience []string) (Details, error) {
	if len(d) == 0 {
		return nil, nil
	}
	resources, err := f.of(ctx, client)
	if err != nil {
		return nil, err
	}
	var kept Details
	for _, one := range d {
		a := aboutOf(one)
		ours := slices.Contains(audience, f.Issuer) && slices.Contains(f.takers(resources, a.Type), f.Issuer)
		if ours || slices.ContainsFunc(resources, func(r clients.Resource) bool { return slices.Contains(audience, r.ID) && a.goesTo(r) }) {
			kept = append(kept, one)
		}
	}
	return kept, nil
}
