package clients_test

import (
	"testing"

	"tegata/idp/clients"
)

func TestTheNearestAddressAndWhatDiffers(t *testing.T) {
	registered := []string{"https://rp.test/cb", "https://shop.example/callback"}
	for given, want := range map[string][5]string{
		"https://shop.example/callback/": {"https://shop.example/callback", "https://shop.example/callback", "", "/", ""},
		"http://rp.test/cb":              {"https://rp.test/cb", "http", "s", "", "://rp.test/cb"},
		"":                               {"https://rp.test/cb", "", "https://rp.test/cb", "", ""},
	} {
		near := clients.Nearest(given, registered)
		start, ours, theirs, end := clients.Diff(given, near)
		if got := [5]string{near, start, ours, theirs, end}; got != want {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
}

func TestBothSecretsWorkWhileOneReplacesTheOther(t *testing.T) {
	c := clients.Client{AuthMethod: clients.ClientSecretBasic}
	first := c.NewSecret(never)
	second := c.NewSecret(never.AddDate(2030, 0, 0))
	if !c.SecretMatches(first) || !c.SecretMatches(second) || c.OldSecretUntil == nil {
		t.Errorf("first %t, second %t", c.SecretMatches(first), c.SecretMatches(second))
	}
	third := c.NewSecret(never)
	if c.SecretMatches(first) || c.SecretMatches(second) || !c.SecretMatches(third) || c.OldSecretUntil != nil {
		t.Error("an old secret works on")
	}
}
