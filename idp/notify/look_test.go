package notify_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"tegata/shared/browser"
)

// TestEveryMailIsAccessible opens the golden mails in Chromium on the narrowest phone and
// on a desk, by day and by night: axe finds nothing, and none scrolls sideways.
func TestEveryMailIsAccessible(t *testing.T) {
	mails := httptest.NewServer(http.FileServer(http.Dir("testdata")))
	defer mails.Close()
	names, err := filepath.Glob("testdata/*.html")
	if err != nil || len(names) == 0 {
		t.Fatalf("no mails (%v)", err)
	}
	for _, width := range []int{320, 1280} {
		reader := browser.Chromium(t, browser.Options{Width: width, Base: mails.URL}).Expect("favicon.ico").Expect("404")
		for _, name := range names {
			reader.Visit("/" + filepath.Base(name))
			if wider := reader.Sideways(); wider > 0 {
				t.Errorf("%s scrolls sideways by %d px at %d", name, wider, width)
			}
			browser.AxeDayAndNight(t, reader, "mail-"+filepath.Base(name))
		}
	}
}
