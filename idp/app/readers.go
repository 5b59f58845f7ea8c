package app

import (
	"context"

	"tegata/idp/clients"
	"tegata/keys"
)

// readers are the clients that check what is signed with the algorithm, whatever it is:
// ID tokens, answers, access tokens in JWT form. Active are those that got something in
// keys.ActiveFor; the ring itself knows who proved who it is.
func (s *Services) readers(ctx context.Context, alg string) ([]keys.Reader, error) {
	takers, err := s.Clients.Takers(ctx, alg)
	if err != nil {
		return nil, err
	}
	since := s.Clock().Add(-keys.ActiveFor)
	used, err := s.letPeopleIn(ctx, since)
	if err != nil {
		return nil, err
	}
	readers := []keys.Reader{}
	for _, c := range takers {
		if c.Disabled {
			continue
		}
		readers = append(readers, keys.Reader{
			ID: c.ID, Name: c.NameIn("en"), Browsers: c.Public(), Active: used[c.ID] || c.Lately, Takes: words(c.Takes),
		})
	}
	return readers, nil
}

func words(all []clients.Signed) []string {
	list := make([]string, len(all))
	for i, one := range all {
		list[i] = string(one)
	}
	return list
}
