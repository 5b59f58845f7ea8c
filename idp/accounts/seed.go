package accounts

import (
	"context"
	"fmt"
	"io"

	"github.com/goccy/go-yaml"

	"tegata/idp/passwords"
	"tegata/shared/fault"
)

// Person is somebody whose account is made without sign-up.
type Person struct {
	Email      string `yaml:"email"`
	Password   string `yaml:"password"`
	GivenName  string `yaml:"given_name"`
	FamilyName string `yaml:"family_name"`
	Nickname   string `yaml:"nickname"`
	Country    string `yaml:"country"`
	Language   string `yaml:"language"`
	Details    `yaml:",inline"`
}

// ReadPeople reads a list of people in YAML. Unknown keys are mistakes.
func ReadPeople(r io.Reader) ([]Person, error) {
	var all []Person
	if err := yaml.NewDecoder(r, yaml.Strict()).Decode(&all); err != nil && err != io.EOF {
		return nil, fmt.Errorf("people: %w", err)
	}
	return all, nil
}

// Seed opens an active account for each of the people who has none, and tells how
// many. It is for development; it may run at every start, and on several nodes at once:
// who comes second leaves the account of the first alone.
func (s *Service) Seed(ctx context.Context, people []Person) (int, error) {
	made := 0
	for _, p := range people {
		isNew, err := s.seed(ctx, p)
		if err != nil {
			return made, fmt.Errorf("people: %s: %w", p.Email, err)
		}
		if isNew {
			made++
		}
	}
	return made, nil
}

// seed opens the account of one of them, who also accepted the terms, unless there is
// one already. Both are one fact: whoever is there already is not looked at again.
func (s *Service) seed(ctx context.Context, p Person) (isNew bool, err error) {
	if _, err := s.ByEmail(ctx, p.Email); !fault.Is(err, fault.NotFound) {
		return false, err
	}
	_, err = s.create(ctx, p, func(ctx context.Context, a Account) error {
		return s.AcceptTerms(ctx, a.ID, a.Language)
	})
	if fault.Is(err, fault.Conflict) { // another node was faster: then it is there now
		_, err = s.ByEmail(ctx, p.Email)
		return false, err
	}
	return err == nil, err
}

// Create opens an active account whose address counts as proved: whoever calls it
// vouches for that. Errors are those of a sign-up form; fault.Conflict when the
// address has an account.
func (s *Service) Create(ctx context.Context, p Person) (Account, error) {
	return s.create(ctx, p, func(context.Context, Account) error { return nil })
}

// create is Create with what else belongs to the new account: all is kept, or nothing.
func (s *Service) create(ctx context.Context, p Person, also func(context.Context, Account) error) (Account, error) {
	d, err := Draft{
		Email: p.Email, Password: p.Password, GivenName: p.GivenName, FamilyName: p.FamilyName,
		Country: p.Country, Language: p.Language,
	}.Check()
	if err != nil {
		return Account{}, err
	}
	if err := p.Details.Check(); err != nil {
		return Account{}, err
	}
	now := s.Clock()
	a := s.account(d, now)
	a.State, a.ProvedAt, a.ActivatedAt, a.Nickname, a.Details = Active, &now, &now, p.Nickname, p.Details
	if p.Zone != "" {
		a.Zone = p.Zone
	}
	if p.PhoneVerified {
		a.PhoneVerifiedAt = &now
	}
	sealed, err := s.Hasher.Hash(ctx, a.ID, d.Password)
	if err != nil {
		return Account{}, err
	}
	err = s.Store.DB.Tx(ctx, func(ctx context.Context) error {
		if err := s.Store.insert(ctx, a); err != nil {
			return err
		}
		first := passwords.Record{AccountID: a.ID, Number: 1, Sealed: sealed, ChangedAt: now}
		if err := s.Passwords.Add(ctx, first); err != nil {
			return err
		}
		e := event("account.created", a.ID)
		e.Actor = "system"
		if err := s.Audit.Record(ctx, e); err != nil {
			return err
		}
		return also(ctx, a)
	})
	return a, err
}
