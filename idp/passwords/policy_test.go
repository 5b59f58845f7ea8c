package passwords_test

import (
	"slices"
	"strings"
	"testing"

	"tegata/idp/passwords"
	"tegata/shared/fault"
)

// taro is whom the passwords of the tables are for (S-082).
var taro = passwords.About{Email: "taro.yamada@example.com", Names: []string{"Kenji", "Mori"}}

func TestPasswordRules(t *testing.T) {
	emoji := strings.Repeat("🦊", 56)
	for _, c := range []struct {
		name, password string
		broken         []passwords.ID
	}{
		{"good", "Kumo7!yukigawa", nil},
		{"11 characters", "Kumo7!yukig", []passwords.ID{passwords.Length}}, // S-074
		{"12 characters", "Kumo7!yukiga", nil},
		{"60 characters", "Kumo7!" + strings.Repeat("ykg", 18), nil},
		{"61 characters", "Kumo7!" + strings.Repeat("ykg", 18) + "y", []passwords.ID{passwords.Length}},
		{"60 code points of four bytes", "Aa1!" + emoji, nil},
		{"61 code points of four bytes", "Aa1!" + emoji + "🦊", []passwords.ID{passwords.Length}},
		{"no lower-case letter", "KVMWGHXZ1274!", []passwords.ID{passwords.Lower}}, // S-075
		{"no upper-case letter", "kvmwghxz1274!", []passwords.ID{passwords.Upper}}, // S-076
		{"full-width digit", "Kumo１!yukigawa", []passwords.ID{passwords.Digit}},    // S-077
		{"no symbol", "Kumo7yukigawa", []passwords.ID{passwords.Symbol}},           // S-078
		{"a space is no symbol", "Kumo7 yukigawa", []passwords.ID{passwords.Symbol}},
		{"a space is a character", "Kumo7! yuki gawa", nil},
		{"the common one", "Password123!", []passwords.ID{passwords.Listed}},         // S-080
		{"part of the address", "Kumo7!xTARO-gawa", []passwords.ID{passwords.Email}}, // S-082
		{"other part", "Kumo7!yamadagawa", []passwords.ID{passwords.Email}},          //
		{"part of the domain", "Kumo7!exampleGawa", []passwords.ID{passwords.Email}}, //
		{"the top-level domain is fine", "Kumo7!complotgawa", nil},                   //
		{"one's name", "Kumo7!kENJIgawa", []passwords.ID{passwords.Name}},            //
		{"several at once", "kumoyuki", []passwords.ID{"length", "upper", "digit", "symbol"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var broken []passwords.ID
			for _, r := range passwords.Check(c.password, taro) {
				if !r.Met {
					broken = append(broken, r.ID)
				}
			}
			if !slices.Equal(broken, c.broken) {
				t.Errorf("broken %v, want %v", broken, c.broken)
			}
			err := passwords.Problem("password", c.password, taro)
			if (err == nil) != (c.broken == nil) {
				t.Errorf("problem %v, want one for each of %v", err, c.broken)
			}
			for i, f := range c.broken {
				if got := fault.All(err)[i]; got.Field != "password" || got.Key != "password.rule."+string(f) {
					t.Errorf("problem %v, want about %s", got, f)
				}
			}
		})
	}
}

func TestEverySymbolOfASCIICounts(t *testing.T) { // S-078
	n := 0
	for r := '!'; r <= '~'; r++ {
		if strings.ContainsRune("0123456789", r) || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			continue
		}
		n++
		if err := passwords.Problem("password", "Kumo7yukigawa"+string(r), taro); err != nil {
			t.Errorf("%q: %v", r, err)
		}
	}
	if listed := len(passwords.Symbols); n != 32 || listed != 32 {
		t.Errorf("%d symbols tried, %d listed, want 32", n, len(passwords.Symbols))
	}
}

func TestWhatNoKeyboardTypesIsRefused(t *testing.T) {
	for password, key := range map[string]string{
		"Kumo7!yuki\x00gawa":       "password.characters",
		"Kumo7!yuki\xffgawa":       "password.characters",
		"":                         "password.missing",
		strings.Repeat("a", 1<<20): "password.rule.length",
	} {
		err := passwords.Problem("password", password, taro)
		if all := fault.All(err); len(all) != 1 || all[0].Key != key {
			t.Errorf("%.20q: %v, want %s", password, err, key)
		}
	}
}

func TestEmailParts(t *testing.T) {
	for email, want := range map[string]string{
		"taro.yamada@example.com":         "taro yamada example",
		"Taro_Yamada+news@sales.ab.co.jp": "taro yamada news sales",
		"ab@cd.com.au":                    "",
		"x@corp.example.com.au":           "corp example",
		"":                                "",
		"@":                               "",
		"noat":                            "noat",
	} {
		if got := strings.Join(passwords.EmailParts(email), " "); got != want {
			t.Errorf("%q: %q, want %q", email, got, want)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	for b.Loop() {
		passwords.Check("Correct-Horse-7-Staple", taro)
	}
}
