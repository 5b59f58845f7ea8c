package fault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"tegata/shared/fault"
)

func TestAFaultIsFoundHoweverDeeplyWrapped(t *testing.T) {
	cause := errors.New("disk on fire")
	inner := fault.Wrap(fault.NotFound, "account.unknown", cause)
	err := fmt.Errorf("load account: %w", errors.Join(errors.New("noise"), inner))
	if !fault.Is(err, fault.NotFound) || fault.Is(err, fault.Denied) || fault.KindOf(err) != fault.NotFound {
		t.Errorf("kind of %v: got %v", err, fault.KindOf(err))
	}
	if got := fault.Of(err); got != inner || got.Key != "account.unknown" {
		t.Errorf("got %v", got)
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
}

func TestWhatIsNoFaultIsInternal(t *testing.T) {
	err := fmt.Errorf("read: %w", context.Canceled)
	if fault.KindOf(err) != fault.Internal || fault.Of(err) != nil || !fault.Is(err, fault.Internal) {
		t.Errorf("got %v", fault.KindOf(err))
	}
	for kind := fault.Internal; kind <= fault.Busy; kind++ {
		if fault.Is(nil, kind) {
			t.Errorf("nil is %v", kind)
		}
	}
	all := fault.All(err)
	if len(all) != 1 || all[0].Kind != fault.Internal || all[0].Key != "internal" || !errors.Is(all[0], context.Canceled) {
		t.Errorf("got %v", all)
	}
}

func TestEveryKindHasAName(t *testing.T) {
	seen := map[string]bool{}
	for kind := fault.Internal; kind <= fault.Busy; kind++ {
		if name := kind.String(); name == "" || seen[name] {
			t.Errorf("kind %d is called %q", int(kind), name)
		}
		seen[kind.String()] = true
	}
}

func TestTheSentenceForTheLog(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{fault.New(fault.Invalid, "password", "password.too_short"), "invalid password password.too_short"},
		{fault.New(fault.Denied, "", "login.failed"), "denied login.failed"},
		{fault.Wrap(fault.Busy, "db.busy", errors.New("no route")), "busy db.busy: no route"},
		{fault.Fields{fault.New(fault.Invalid, "a", "x"), fault.New(fault.Invalid, "b", "y")}, "invalid a x; invalid b y"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestArgsAndRetryAfter(t *testing.T) {
	err := fault.New(fault.Invalid, "password", "password.too_short").With("min", 12).With("max", 128)
	if err.Args["min"] != 12 || err.Args["max"] != 128 {
		t.Errorf("got %v", err.Args)
	}
	later := fault.Later("login.too_many", time.Minute)
	if later.Kind != fault.TooMany || later.RetryAfter != time.Minute || later.Key != "login.too_many" {
		t.Errorf("got %+v", later)
	}
}

func TestFieldsGathersTheFaultsOfAForm(t *testing.T) {
	var f fault.Fields
	f.Add(nil)
	if f.Err() != nil {
		t.Fatal("no fault is an error")
	}
	f.Add(fault.New(fault.Invalid, "email", "email.bad"))
	f.Add(fmt.Errorf("wrapped: %w", fault.New(fault.Invalid, "password", "password.bad")))
	f.Add(fault.Fields{fault.New(fault.Invalid, "a", "x"), fault.New(fault.Invalid, "b", "y")})
	err := fmt.Errorf("sign-up: %w", f.Err())
	all := fault.All(err)
	var fields string
	for _, e := range all {
		fields += e.Field + " "
	}
	if fields != "email password a b " {
		t.Errorf("got %q", fields)
	}
	if !fault.Is(err, fault.Invalid) || fault.Of(err).Field != "email" {
		t.Errorf("the first one stands for all: got %v", fault.Of(err))
	}
	f.Add(errors.New("database away"))
	if last := fault.All(f.Err()); last[len(last)-1].Kind != fault.Internal {
		t.Errorf("what is no fault got lost: %v", last)
	}
}
