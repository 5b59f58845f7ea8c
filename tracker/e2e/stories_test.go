package e2e_test

import (
	"testing"

	"tegata/shared/browser"
)

// TestStories plays every story in process, on both databases: the main job in both
// languages (S-016, S-039, S-056, S-190), and the roads beside it.
func TestStories(t *testing.T) {
	for _, kind := range []string{"sqlite", "postgres"} {
		for _, s := range stories(t) {
			t.Run(kind+"/"+s.name, func(t *testing.T) {
				t.Parallel()
				s.play(t, begin(t, kind), func() *browser.Person {
					return browser.InProcess(t, browser.Options{Language: s.language()})
				})
			})
		}
	}
}

// TestStoriesInChromium plays them in a real browser: with and without script, and on
// a phone.
func TestStoriesInChromium(t *testing.T) {
	for name, o := range map[string]browser.Options{
		"script":    {Width: 1280, Script: true},
		"no script": {Width: 1280},
		"phone":     {Width: 360, Script: true, Dark: true},
	} {
		for _, s := range stories(t) {
			t.Run(name+"/"+s.name, func(t *testing.T) {
				t.Parallel()
				o := o
				o.Language = s.language()
				s.play(t, begin(t, "sqlite"), func() *browser.Person { return browser.Chromium(t, o) })
			})
		}
	}
}
