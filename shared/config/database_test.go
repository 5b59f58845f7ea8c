package config_test

import (
	"bytes"
	"strings"
	"testing"

	"tegata/shared/config"
)

func TestOfTheURLOfADatabaseOnlyThePasswordsAreHidden(t *testing.T) {
	for secret, want := range map[string]string{
		"postgres://u:hush@h/db?password=hush":                  "url: postgres://u:xxxxx@h/db?password=xxxxx\n",
		"postgres://h/db?user=u&password=hush&sslpassword=hush": "url: postgres://h/db?user=u&password=xxxxx&sslpassword=xxxxx\n",
		"postgres://u:hush@h1:5432,h2/db":                       "url: postgres://u:xxxxx@h1:5432,h2/db\n",
		"sqlite:var/idp.db":                                     "url: sqlite:var/idp.db\n",
		"https://hush.example/hush":                             "url: \"(set)\"\n",
	} {
		var shown bytes.Buffer
		p := config.Program{Database: config.Database{URL: config.NewSecret(secret)}}
		if err := config.Show(&shown, p); err != nil || !strings.Contains(shown.String(), want) {
			t.Errorf("%v\n%s, want %s", err, &shown, want)
		}
	}
}

// The driver reads the URL, so whatever it takes is none of our mistakes.
func TestAURLOfPostgresIsReadByTheDriver(t *testing.T) {
	for text, want := range map[string]string{
		"postgres://u@h1:5432,h2/db":       "",
		"postgres://u@h1,h2/db":            "",
		"postgres://u:hush@h1:5432,h2/db":  "a password must not stand here",
		"postgres://h/db?sslpassword=hush": "a password must not stand here",
		"postgres://u:hush@h:port/db":      "cannot be read",
		"postgres://h/db?sslrootcert=/no":  "cannot be read",
	} {
		secret := config.NewSecret(text)
		secret.Written = true
		var found config.Problems
		config.Program{Database: config.Database{URL: secret}}.Check(&found)
		got := ""
		for _, one := range found {
			if one.Path == "database.url" {
				got = one.Message
			}
		}
		if strings.Contains(got, "hush") || (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}
