package interaction_test

import (
	"context"
	"testing"
	"time"

	"tegata/idp/interaction"
	"tegata/idp/sessions"
	"tegata/shared/fault"
)

// here gives a browser with a session of that person, ten minutes old, and its context.
func (w world) here(email string) (context.Context, *sessions.Session) {
	w.t.Helper()
	ctx, one := w.logIn(w.t.Context(), w.begin(interaction.Asked{}).ID, email)
	w.clock.Move(10 * time.Minute)
	return ctx, &one
}

func (w world) choose(id string, session *sessions.Session) {
	w.t.Helper()
	if err := w.Choose(w.t.Context(), id, w.browser, session); err != nil {
		w.t.Fatal(err)
	}
}

// OIDC Core §3.1.2.1: select_account asks, and what was chosen holds for this conversation
// and this account alone.
func TestTheAccountIsChosenForOneConversation(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx, one := w.here(ada)
		asked := interaction.Asked{ClientID: "shop", Prompt: []string{"select_account"}}
		it, other := w.begin(asked), w.begin(asked)
		w.wantStep(ctx, it.ID, interaction.AskAccount)
		for _, nobody := range []string{"", interaction.NewBrowser()} {
			if err := w.Choose(t.Context(), it.ID, nobody, one); !fault.Is(err, fault.Denied) {
				t.Errorf("chosen from browser %q: %v, want denied", nobody, err)
			}
		}
		if err := w.Choose(t.Context(), it.ID, w.browser, nil); !fault.Is(err, fault.Denied) {
			t.Errorf("chosen by nobody: %v, want denied", err)
		}
		w.choose(it.ID, one)
		w.wantStep(ctx, it.ID, interaction.Done)
		w.wantStep(ctx, other.ID, interaction.AskAccount)
		if err := w.Choose(t.Context(), it.ID, w.browser, one); !fault.Is(err, fault.Denied) {
			t.Errorf("chosen twice: %v, want denied", err)
		}
		elsewhere, _ := w.here(eve)
		w.wantStep(elsewhere, it.ID, interaction.AskAccount) // somebody else sits there now
	})
}

func TestWhoTypedAnotherAddressMayStay(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx, one := w.here(ada)
		it := w.begin(interaction.Asked{ClientID: "shop", Prompt: []string{"select_account"}})
		if err := w.Identify(ctx, it.ID, w.browser, eve); err != nil {
			t.Fatal(err)
		}
		w.wantStep(ctx, it.ID, interaction.AskPassword)
		w.choose(it.ID, one)
		w.wantStep(ctx, it.ID, interaction.Done)
	})
}

// To choose is no log-in: what the request wants of the log-in comes next.
func TestChoosingProvesNothing(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx, one := w.here(ada)
		for name, asked := range map[string]interaction.Asked{
			"prompt=login": {ClientID: "shop", Prompt: []string{"select_account", "login"}},
			"max_age":      {ClientID: "shop", Prompt: []string{"select_account"}, MaxAge: ptr(time.Minute)},
		} {
			it := w.begin(asked)
			w.choose(it.ID, one)
			w.wantStep(ctx, it.ID, interaction.AskPassword)
			if got, err := w.Load(t.Context(), it.ID, w.browser); err != nil || got.Email != ada {
				t.Errorf("%s: the password of %q is asked (%v), want %s", name, got.Email, err, ada)
			}
			again, _ := w.logIn(ctx, it.ID, ada)
			w.wantStep(again, it.ID, interaction.Done)
		}
		it := w.begin(interaction.Asked{ClientID: "shop", Prompt: []string{"login"}})
		if err := w.Choose(t.Context(), it.ID, w.browser, one); !fault.Is(err, fault.Denied) {
			t.Errorf("chosen where a log-in is asked: %v, want denied", err)
		}
	})
}
