package interaction_test

import (
	"testing"
	"time"

	"tegata/idp/interaction"
)

func TestNextStep(t *testing.T) {
	now := time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC)
	zero, minute := time.Duration(0), time.Minute
	nobody := interaction.State{Now: now}
	typed := interaction.State{Now: now, Email: "ada@example.jp"}
	here := interaction.State{Now: now, SignedIn: true, AuthTime: now.Add(-time.Hour)}
	proved := interaction.State{Now: now, SignedIn: true, AuthTime: now, Proved: true, Email: "ada@example.jp"}
	with := func(s interaction.State, change func(*interaction.State)) interaction.State { change(&s); return s }

	ours := interaction.Asked{ClientID: "tracker"}
	theirs := interaction.Asked{ClientID: "shop", NeedsConsent: true, Scopes: []string{"openid"}}
	prompt := func(a interaction.Asked, p ...string) interaction.Asked { a.Prompt = p; return a }
	aged := func(a interaction.Asked, d *time.Duration) interaction.Asked { a.MaxAge = d; return a }

	for _, c := range []struct {
		name  string
		at    interaction.State
		asked interaction.Asked
		want  interaction.Step
	}{
		{"nobody known", nobody, ours, interaction.AskIdentifier},
		{"address typed", typed, ours, interaction.AskPassword},
		{"password right", proved, ours, interaction.Done},
		{"signed in", here, ours, interaction.Done},
		{"signed in, no client", here, interaction.Asked{}, interaction.Done},
		{"signed in, another address typed", with(here, func(s *interaction.State) { s.Email = "eve@example.jp" }), ours, interaction.AskPassword},

		{"prompt=login, signed in", here, prompt(ours, "login"), interaction.AskIdentifier},
		{"prompt=login, password right", proved, prompt(ours, "login"), interaction.Done},
		{"hinted, signed in", here, prompt(ours, interaction.Hinted), interaction.AskAccount},
		{"hinted, too old", here, aged(prompt(ours, interaction.Hinted), &minute), interaction.AskIdentifier},
		{"hinted, as meant", with(here, func(s *interaction.State) { s.Chosen = true }), prompt(ours, interaction.Hinted), interaction.Done},
		{"hinted, password right", proved, prompt(ours, interaction.Hinted), interaction.Done},
		{"prompt=select_account, nobody", nobody, prompt(ours, "select_account"), interaction.AskIdentifier},
		{"prompt=select_account, signed in", here, prompt(ours, "select_account"), interaction.AskAccount},
		{"prompt=select_account, address typed", with(here, func(s *interaction.State) { s.Email = "eve@example.jp" }), prompt(ours, "select_account"), interaction.AskPassword},
		{"prompt=select_account, password right", proved, prompt(ours, "select_account"), interaction.Done},
		{"prompt=select_account, chosen", with(here, func(s *interaction.State) { s.Chosen = true }), prompt(ours, "select_account"), interaction.Done},
		{"prompt=select_account, chosen, max_age over", with(here, func(s *interaction.State) { s.Chosen = true }), prompt(aged(ours, &minute), "select_account"), interaction.AskIdentifier},
		{"prompt=select_account before a fresh log-in", here, prompt(ours, "select_account", "login"), interaction.AskAccount},
		{"prompt=select_account, but a new account first", here, prompt(ours, "select_account", "create"), interaction.AskIdentifier},
		{"prompt=select_account before new terms", with(here, func(s *interaction.State) { s.TermsDue = true }), prompt(ours, "select_account"), interaction.AskAccount},
		{"prompt=login, chosen proves nothing", with(here, func(s *interaction.State) { s.Chosen = true }), prompt(ours, "login"), interaction.AskIdentifier},
		{"max_age met", here, aged(ours, ptr(time.Hour)), interaction.Done},
		{"max_age over", here, aged(ours, &minute), interaction.AskIdentifier},
		{"max_age=0, just signed in elsewhere", with(here, func(s *interaction.State) { s.AuthTime = now }), aged(ours, &zero), interaction.AskIdentifier},
		{"max_age=0, password right", proved, aged(ours, &zero), interaction.Done},

		{"prompt=none, nobody", nobody, prompt(ours, "none"), interaction.RefuseLoginRequired},
		{"prompt=none, signed in", here, prompt(ours, "none"), interaction.Done},
		{"prompt=none, max_age over", here, prompt(aged(ours, &minute), "none"), interaction.RefuseLoginRequired},
		{"prompt=none, consent missing", here, prompt(theirs, "none"), interaction.RefuseConsentRequired},
		{"prompt=none, consent given", with(here, func(s *interaction.State) { s.Consented = true }), prompt(theirs, "none"), interaction.Done},

		{"consent missing", here, theirs, interaction.AskConsent},
		{"consent given before", with(here, func(s *interaction.State) { s.Consented = true }), theirs, interaction.Done},
		{"prompt=consent asks again", with(here, func(s *interaction.State) { s.Consented = true }), prompt(theirs, "consent"), interaction.AskConsent},
		{"prompt=consent at our own client", here, prompt(ours, "consent"), interaction.AskConsent},
		{"prompt=login consent, password right", proved, prompt(theirs, "login", "consent"), interaction.AskConsent},
		{"allowed now", with(here, func(s *interaction.State) { s.Answer = interaction.Allowed }), prompt(theirs, "consent"), interaction.Done},
		{"new terms", with(here, func(s *interaction.State) { s.TermsDue = true }), ours, interaction.AskTerms},
		{"new terms, password right", with(proved, func(s *interaction.State) { s.TermsDue = true }), ours, interaction.AskTerms},
		{"new terms before consent", with(here, func(s *interaction.State) { s.TermsDue = true }), theirs, interaction.AskTerms},
		{"new terms, no client", with(here, func(s *interaction.State) { s.TermsDue = true }), interaction.Asked{}, interaction.AskTerms},
		{"new terms, but a fresh log-in first", with(here, func(s *interaction.State) { s.TermsDue = true }), prompt(ours, "login"), interaction.AskIdentifier},
		{"new terms, prompt=none", with(here, func(s *interaction.State) { s.TermsDue = true }), prompt(ours, "none"), interaction.RefuseInteractionRequired},

		{"denied now", with(here, func(s *interaction.State) { s.Answer = interaction.Refused }), theirs, interaction.RefuseAccessDenied},
		{"denied before the session ended", with(nobody, func(s *interaction.State) { s.Answer = interaction.Refused }), theirs, interaction.AskIdentifier},
	} {
		if got := interaction.Next(c.at, c.asked); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func ptr(d time.Duration) *time.Duration { return &d }
