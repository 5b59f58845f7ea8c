package jwks_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"tegata/idp/oidc/jwks"
	"tegata/shared/clock"
	"tegata/shared/fetch"
)

func TestNothingIsFetchedAgainstTheCallersWord(t *testing.T) {
	asked := 0
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.Write([]byte(`{"keys":[{"kty":"oct","kid":"a","k":"AAAA"}]}`))
	}))
	defer site.Close()
	held := clock.Hold(time.Unix(1_790_000_000, 0))
	cache := &jwks.Cache{Client: fetch.Client(true), Clock: held.Now}
	tooOften := errors.New("too often")
	if _, err := cache.Keys(t.Context(), site.URL, "a", func() error { return tooOften }); !errors.Is(err, tooOften) || asked != 0 {
		t.Errorf("asked %d times, error %v", asked, err)
	}
	if got, err := cache.Keys(t.Context(), site.URL, "a", func() error { return nil }); err != nil || len(got) != 1 || asked != 1 {
		t.Errorf("%d keys, asked %d times, %v", len(got), asked, err)
	}
	held.Move(time.Hour)
	if got, err := cache.Keys(t.Context(), site.URL, "a", func() error { return tooOften }); err != nil || len(got) != 1 || asked != 1 {
		t.Errorf("an hour later: %d keys, asked %d times, %v; want the ones it has", len(got), asked, err)
	}
	held.Move(24 * time.Hour)
	if _, err := cache.Keys(t.Context(), site.URL, "a", func() error { return tooOften }); !errors.Is(err, tooOften) {
		t.Errorf("a day later: %v", err)
	}
}

func TestWithoutAKidFewKeysAreTried(t *testing.T) {
	set := &jose.JSONWebKeySet{Keys: make([]jose.JSONWebKey, 20)}
	set.Keys[19].KeyID = "last"
	if all, one := jwks.Named(set, ""), jwks.Named(set, "last"); len(all) != 8 || len(one) != 1 {
		t.Errorf("%d and %d keys", len(all), len(one))
	}
}

// A client that names one address after the other does not fill the memory, and takes
// nothing from those who are there.
func TestNotAllThatWasEverFetchedIsKept(t *testing.T) {
	asked := map[string]int{}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked[r.URL.Path]++
		w.Write([]byte(`{"keys":[{"kty":"oct","kid":"a","k":"AAAA"}]}`))
	}))
	defer site.Close()
	held := clock.Hold(time.Unix(1_790_000_000, 0))
	cache := &jwks.Cache{Client: fetch.Client(true), Clock: held.Now}
	get := func(path string) {
		t.Helper()
		held.Move(time.Millisecond)
		if got, err := cache.Keys(t.Context(), site.URL+path, "a", func() error { return nil }); err != nil || len(got) != 1 {
			t.Fatalf("%s: %d keys, %v", path, len(got), err)
		}
	}
	get("/honest")
	for i := range 1100 {
		get("/" + strconv.Itoa(i))
		if i%100 == 0 {
			get("/honest")
		}
	}
	get("/0")
	if asked["/honest"] != 1 || asked["/0"] != 2 {
		t.Errorf("the honest client was asked %d times, want once; the first of many %d times, want 2", asked["/honest"], asked["/0"])
	}
}
