package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"tegata/shared/browser"
	"tegata/shared/serve"
)

// TestEveryPageIsAccessible runs axe-core in Chromium over every sample of every
// template, in both languages, on the narrowest phone and on a desk, in light and dark;
// none may scroll sideways (WCAG 2.2, 1.4.10).
func TestEveryPageIsAccessible(t *testing.T) {
	set := testSet(t)
	mux := http.NewServeMux()
	for i, sample := range samples() {
		sample.Status = http.StatusOK // else the browser's console complains
		mux.Handle(fmt.Sprintf("GET /sample/%d", i), set.Handler(func(w http.ResponseWriter, r *http.Request) error {
			return set.Show(w, r, sample)
		}))
	}
	mux.Handle("GET /static/", set.Static())
	server := httptest.NewServer(serve.Front{Log: slog.New(slog.DiscardHandler)}.Handler(mux))
	defer server.Close()
	for _, o := range []browser.Options{
		{Width: 320, Language: "ja", Script: true, Base: server.URL},
		{Width: 320, Language: "en", Script: true, Dark: true, Base: server.URL},
		{Width: 1280, Language: "ja", Script: true, Dark: true, Base: server.URL},
		{Width: 1280, Language: "en", Script: true, Base: server.URL},
	} {
		t.Run(fmt.Sprintf("%s at %d px, dark %t", o.Language, o.Width, o.Dark), func(t *testing.T) {
			p := browser.Chromium(t, o)
			for i, sample := range samples() {
				browser.Axe(t, p.Visit(fmt.Sprintf("/sample/%d", i)))
				if wider := p.Sideways(); wider > 0 {
					t.Errorf("%s (sample %d) scrolls sideways by %d px", sample.Template, i, wider)
				}
			}
		})
	}
}
