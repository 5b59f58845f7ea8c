package passwords_test

import (
	"math/rand/v2"
	"testing"

	"tegata/idp/passwords"
)

// S-080
func TestDecoratedCommonPasswordsAreCommon(t *testing.T) {
	for _, p := range []string{
		"Password123!", "Qwerty12345!", "P@ssw0rd2024!", "Passw0rd!!!!", "Welcome2024!!", "Sunshine#2025", "Dragon123456!",
		"1Password1!1", "Iloveyou1234!", "Adm1n1strator!", "Football2023!", "Princess123!@#", "$unshine2024!",
		"!QAZ2wsx#EDC", "Qwer!@#$1234", "Abc123456789!", "Aa123456789!", "PasswordPassword1!", "Pass-word-1234",
		"Letmein12345!", "Monkey!123456", "Baseball1234$", "Superman!!99", "Trustno1!!!!", "Michael2024!", "Qwertyuiop1!",
	} {
		if !passwords.Common(p) {
			t.Errorf("%q is not taken for a common password", p)
		}
	}
}

func TestUncommonPasswordsAreNotCommon(t *testing.T) {
	for _, p := range []string{
		"Correct-Horse-7-Staple", "Kumo7!yukigawa", "brisk Walnut, 4 kites", "Tsuki-no-hikari-88", "vR7#qLm2&xPz", "Zg4!nWq8$TbK",
		"Mizu&Sora2tabi", "yama-Kaze.1964",
	} {
		if passwords.Common(p) {
			t.Errorf("%q is taken for a common password", p)
		}
	}
}

func TestRandomPasswordsAreHardlyEverTakenForCommon(t *testing.T) {
	const alphabet = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789!#$%&-_"
	r, wrong := rand.New(rand.NewPCG(1, 2)), 0
	const tries = 20_000
	for range tries {
		p := make([]byte, 12)
		for i := range p {
			p[i] = alphabet[r.IntN(len(alphabet))]
		}
		if passwords.Common(string(p)) {
			wrong++
		}
	}
	if wrong > tries/1000 {
		t.Errorf("%d of %d random passwords are taken for common ones, want at most one in a thousand", wrong, tries)
	}
	t.Logf("%d of %d", wrong, tries)
}

func BenchmarkCommon(b *testing.B) {
	for b.Loop() {
		passwords.Common("Correct-Horse-7-Staple")
	}
}
