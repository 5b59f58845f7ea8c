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
// template: in Japanese on the narrowest phone and in English on a desk, by day and by
// night. None may scroll sideways, in English on the phone neither (WCAG 2.2, 1.4.10).
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
	for _, look := range []struct {
		browser.Options
		axe bool
	}{
		{browser.Options{Width: 320, Language: "ja"}, true},
		{browser.Options{Width: 320, Language: "en"}, false},
		{browser.Options{Width: 1280, Language: "en"}, true},
	} {
		t.Run(fmt.Sprintf("%s at %d px", look.Language, look.Width), func(t *testing.T) {
			look.Script, look.Base = true, server.URL
			p := browser.Chromium(t, look.Options)
			for i, sample := range samples() {
				p.Visit(fmt.Sprintf("/sample/%d", i))
				if wider := p.Sideways(); wider > 0 {
					t.Errorf("%s (sample %d) scrolls sideways by %d px", sample.Template, i, wider)
				}
				if look.axe {
					browser.AxeDayAndNight(t, p, sample.Template)
				}
			}
		})
	}
}
