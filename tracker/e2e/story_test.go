package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegata/shared/browser"
)

// A story is a text file: one step a line, a verb and its words, "|" between two of
// them, "#" for remarks. {name} stands for an address or for something kept earlier.
//
//	visit {tracker}/home            fill Password | horse battery…
//	press Log in                    follow Sign up        check I agree
//	choose Country | Japan          sees text             hides text
//	at /signup/sent                 title text
//	mail ada@example.org            keeps {link}, {code} and {mail} of the newest mail
//	wait 8d                         moves the clock       other browser
//	script                          the rest needs a browser that runs script
type story struct {
	name  string
	lines []string
}

// stories reads every story of the folder.
func stories(t testing.TB) []story {
	t.Helper()
	files, err := filepath.Glob("../../testdata/stories/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories found (%v)", err)
	}
	var all []story
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, story{strings.TrimSuffix(filepath.Base(f), ".txt"), strings.Split(string(text), "\n")})
	}
	return all
}

// language is the one the story's person prefers: its name ends in .ja or .en.
func (s story) language() string {
	_, lang, _ := strings.Cut(s.name, ".")
	return lang
}

// stage is where a story plays.
type stage struct {
	t      testing.TB
	world  *world
	person *browser.Person
	fresh  func() *browser.Person // somebody else's browser
	kept   map[string]string
	where  string
}

// play runs the story to its end.
func (s story) play(t testing.TB, w *world, fresh func() *browser.Person) {
	t.Helper()
	st := &stage{t: t, world: w, person: fresh(), fresh: fresh, kept: map[string]string{
		"idp": w.IDP.URL, "tracker": w.Tracker.URL,
	}}
	for i, line := range s.lines {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		st.where = fmt.Sprintf("%s.txt:%d: %s", s.name, i+1, line)
		st.step(line)
	}
}

func (st *stage) step(line string) {
	st.t.Helper()
	for name, value := range st.kept {
		line = strings.ReplaceAll(line, "{"+name+"}", value)
	}
	verb, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	first, second, _ := strings.Cut(rest, " | ")
	st.t.Log(st.where)
	switch verb {
	case "visit":
		st.person.Visit(rest)
	case "fill":
		st.person.Fill(first, second)
	case "choose":
		st.person.Choose(first, second)
	case "check":
		st.person.Check(rest)
	case "press":
		st.person.Press(rest)
	case "follow":
		st.person.Follow(rest)
	case "sees":
		st.person.Sees(rest)
	case "hides":
		st.person.SeesNot(rest)
	case "at":
		st.person.At(rest)
	case "title":
		st.person.Title(rest)
	case "mail":
		st.readMail(rest)
	case "wait":
		st.world.move(st.t, rest)
	case "other":
		st.person = st.fresh()
	default:
		st.t.Fatalf("%s: unknown verb %q", st.where, verb)
	}
}

// readMail waits for the newest mail to an address and keeps what a reader uses.
func (st *stage) readMail(to string) {
	st.t.Helper()
	m := st.world.IDP.Mail(st.t, to)
	st.kept["mail"], st.kept["code"] = m.Text, m.Code
	if len(m.Links) > 0 {
		st.kept["link"] = m.Links[0]
	}
}

// duration reads "8d" or what time.ParseDuration knows.
func duration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		d, err := time.ParseDuration(days + "h")
		return 24 * d, err
	}
	return time.ParseDuration(text)
}
