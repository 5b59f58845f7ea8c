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

// one is a search that any single key serves, and always lets it fetch.
func one(keys []jose.JSONWebKey) bool { return len(keys) == 1 }
func always() error                   { return nil }

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
	if _, err := cache.Search(t.Context(), site.URL, "a", one, func() error { return tooOften }); !errors.Is(err, tooOften) || asked != 0 {
		t.Errorf("asked %d times, error %v", asked, err)
	}
	if found, err := cache.Search(t.Context(), site.URL, "a", one, always); err != nil || !found || asked != 1 {
		t.Errorf("found %v, asked %d times, %v", found, asked, err)
	}
	held.Move(time.Hour)
	if found, err := cache.Search(t.Context(), site.URL, "a", one, func() error { return tooOften }); err != nil || !found || asked != 1 {
		t.Errorf("an hour later: found %v, asked %d times, %v; want the ones it has", found, asked, err)
	}
	held.Move(24 * time.Hour)
	if _, err := cache.Search(t.Context(), site.URL, "a", one, func() error { return tooOften }); !errors.Is(err, tooOften) {
		t.Errorf("a day later: %v", err)
	}
}

func TestWithoutAKidAllKeysAreMeant(t *testing.T) {
	set := &jose.JSONWebKeySet{Keys: make([]jose.JSONWebKey, 20)}
	set.Keys[19].KeyID, set.Keys[3].KeyID, set.Keys[7].KeyID = "last", "twice", "twice"
	for kid, want := range map[string]int{"": 20, "last": 1, "twice": 2, "none": 0} {
		got := jwks.Named(set, kid)
		if len(got) != want || kid != "" && want > 0 && got[want-1].KeyID != kid {
			t.Errorf("%q: %v, want %d keys", kid, got, want)
		}
	}
}

// Sets hold keys of kinds that came after us, for others who read them.
func TestAKeyThatNobodyCanReadHidesNoOther(t *testing.T) { // RFC 7517 §5
	for name, other := range map[string]string{
		"of a kind that is not known":  `{"kty":"AKP","alg":"ML-DSA-44","pub":"AAAA"}`,
		"of a curve that is not known": `{"kty":"EC","crv":"secp256k1","x":"AAAA","y":"AAAA"}`,
		"that is incomplete":           `{"kty":"RSA","e":"AQAB"}`,
		"that is no key":               `"a"`,
	} {
		site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Write([]byte(`{"keys":[` + other + `,{"kty":"oct","kid":"a","k":"AAAA"}]}`))
		}))
		defer site.Close()
		set, err := jwks.Fetch(t.Context(), fetch.Client(true), site.URL)
		if err != nil || len(set.Keys) != 1 || set.Keys[0].KeyID != "a" {
			t.Errorf("beside a key %s: %v, %+v, want the other one", name, err, set)
		}
	}
}

// Whether a key has a kid or not, one that was published in the place of another is found at
// once; but nobody makes us look all the time by bringing what no key fits.
func TestWhatNoKeyServesIsLookedForAgain(t *testing.T) {
	asked, published := 0, "a"
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.Write([]byte(`{"keys":[{"kty":"oct","k":"AAAA","alg":"` + published + `"}]}`))
	}))
	defer site.Close()
	held := clock.Hold(time.Unix(1_790_000_000, 0))
	cache := &jwks.Cache{Client: fetch.Client(true), Clock: held.Now}
	search := func(alg string, want bool, times int) {
		t.Helper()
		found, err := cache.Search(t.Context(), site.URL, "", func(keys []jose.JSONWebKey) bool { return keys[0].Algorithm == alg }, always)
		if err != nil || found != want || asked != times {
			t.Errorf("%s: found %v, asked %d times, %v; want %v, %d", alg, found, asked, err, want, times)
		}
	}
	search("a", true, 1)
	published = "b"
	held.Move(7 * time.Second)
	search("a", true, 1) // withdrawn, and good until somebody has cause to look
	search("b", true, 2)
	search("a", false, 3)
	search("a", false, 4)
	for range 10 {
		search("a", false, 4)
	}
	search("b", true, 4)
	held.Move(5 * time.Second)
	search("a", false, 5)
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
		if found, err := cache.Search(t.Context(), site.URL+path, "a", one, always); err != nil || !found {
			t.Fatalf("%s: found %v, %v", path, found, err)
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
