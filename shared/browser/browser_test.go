package browser_test

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tegata/shared/browser"
)

const formPage = `<!doctype html><html lang="en"><head><title>A form</title><link rel="icon" href="data:,"></head><body><main><h1>A form</h1>
<button form="f" formaction="/other" formnovalidate name="via" value="outside">Elsewhere</button>
<form id="f" method="post" action="/send">
<label for="a">Address <span aria-hidden="true">*</span></label><input id="a" name="a" required maxlength="20" value="before">
<label>Notes <textarea name="t">
old</textarea></label>
<label for="c">Country</label><select id="c" name="c"><option value="">Choose</option><option value="JP">日本</option><option>Norway</option></select>
<label><input type="checkbox" name="news"> News</label><label><input type="checkbox" name="terms" value="yes" checked> Terms</label>
<fieldset><legend>Size</legend><label><input type="radio" name="size" value="s" checked> Small</label><label><input type="radio" name="size" value="l"> Large</label></fieldset>
<input type="hidden" name="h" value="hidden &amp; kept"><input name="off" value="x" disabled aria-label="Off">
<input aria-label="Find" name="q" type="search">
<button name="via" value="first">Send</button> <button name="via" value="second">Send differently</button></form>
<p hidden>not there</p><p>Seen   by
all</p><p><a href="/echo?x=1#y">Go on</a> <a href="/nolabel">Bad page</a></p></main></body></html>`

// site is a small site that shows what it was sent.
func site(t *testing.T) string {
	mux := http.NewServeMux()
	write := func(w http.ResponseWriter, body string) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; img-src data:; form-action 'self'")
		fmt.Fprint(w, body)
	}
	page := func(w http.ResponseWriter, lines ...string) {
		write(w, `<!doctype html><html lang="en"><head><title>Echo</title><link rel="icon" href="data:,"></head><body><main><h1>Echo</h1><p>`+html.EscapeString(strings.Join(lines, " | "))+`</p><form method="get" action="/echo"><label for="w">Word</label><input id="w" name="w"></form></main></body></html>`)
	}
	mux.HandleFunc("GET /form", func(w http.ResponseWriter, r *http.Request) { write(w, formPage) })
	echo := func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		page(w, r.Method, r.Form.Encode(), "site "+r.Header.Get("Sec-Fetch-Site"), "language "+r.Header.Get("Accept-Language"), "cookie "+r.Header.Get("Cookie"))
	}
	mux.HandleFunc("/echo", echo)
	mux.HandleFunc("POST /other", echo)
	mux.HandleFunc("POST /send", func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		http.SetCookie(w, &http.Cookie{Name: "c", Value: "1", Path: "/"})
		http.Redirect(w, r, "/echo?"+r.Form.Encode(), http.StatusSeeOther)
	})
	mux.HandleFunc("GET /nolabel", func(w http.ResponseWriter, r *http.Request) { write(w, `<form><input name="x"></form>`) })
	mux.HandleFunc("GET /poor", func(w http.ResponseWriter, r *http.Request) {
		write(w, `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Poor</title><main><h1>Poor</h1><img src="data:,"><p><font color="#ccc">pale</font>`)
	})
	mux.HandleFunc("GET /gone", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusGone); page(w, "gone") })
	mux.HandleFunc("GET /inline", func(w http.ResponseWriter, r *http.Request) {
		write(w, `<html lang="en"><link rel="icon" href="data:,"><script>document.title = "ran"</script><p>inline`)
	})
	mux.HandleFunc("GET /script.js", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, `document.getElementById("p").textContent = "script ran";`)
	})
	mux.HandleFunc("GET /script", func(w http.ResponseWriter, r *http.Request) {
		write(w, `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>S</title><p id="p">no script</p><script src="/script.js"></script>`)
	})
	mux.HandleFunc("GET /later.js", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, `setTimeout(function () { location = "/form"; }, 300);`)
	})
	mux.HandleFunc("GET /later", func(w http.ResponseWriter, r *http.Request) {
		write(w, `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Later</title><p>wait</p><script src="/later.js"></script>`)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// TestBothKindsOfPersonDoTheSame drives one story with each.
func TestBothKindsOfPersonDoTheSame(t *testing.T) {
	base := site(t)
	for name, start := range map[string]func(testing.TB) *browser.Person{
		"in process": func(t testing.TB) *browser.Person {
			return browser.InProcess(t, browser.Options{Base: base, Language: "ja"})
		},
		"chromium": func(t testing.TB) *browser.Person {
			return browser.Chromium(t, browser.Options{Base: base, Language: "ja", Script: true})
		},
		"chromium, phone": func(t testing.TB) *browser.Person {
			return browser.Chromium(t, browser.Options{Base: base, Language: "ja", Width: 360, Script: true})
		},
		"chromium, no script": func(t testing.TB) *browser.Person {
			return browser.Chromium(t, browser.Options{Base: base, Language: "ja"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			ada := start(t)
			ada.Visit("/form").Title("A form").Sees("Seen by all").SeesNot("not there")
			if got := ada.Value("Address"); got != "before" {
				t.Errorf("value %q", got)
			}
			ada.Fill("Address", "山田@例え.jp").Fill("Notes", "one\ntwo").Choose("Country", "日本").Check("News").Uncheck("Terms").Choose("Size", "Large")
			ada.Press("Send differently").At("/echo?").Title("Echo")
			ada.Sees("GET | a=%E5%B1%B1%E7%94%B0%40%E4%BE%8B%E3%81%88.jp&c=JP&h=hidden+%26+kept&news=on&q=&size=l&t=one%0D%0Atwo&via=second |", "language ja", "cookie c=1")
			ada.Visit("/form").Fill("Address", "").Press("Elsewhere").At("/other").Sees("POST | a=&c=&h=", "via=outside", "site same-origin")
			ada.Visit("/form").Fill("Find", "x").PressEnter("Find").At("/other").Sees("q=x", "via=outside")
			ada.Visit("/form").Fill("Address", strings.Repeat("x", 30)).Press("Send").Sees("a="+strings.Repeat("x", 20)+"&", "via=first")
			ada.Visit("/form").Follow("Go on").At("/echo?x=1").Sees("GET | x=1").Fill("Word", "a b").PressEnter("Word").Sees("GET | w=a+b")
			if ada.Visit("/gone").Status() != http.StatusGone || ada.Header("Content-Type") != "text/html; charset=utf-8" {
				t.Errorf("status %d, %s", ada.Status(), ada.Header("Content-Type"))
			}
		})
	}
}

// failing is a test that is meant to fail.
type failing struct {
	testing.TB
	said []string
}

type stopped struct{}

func (f *failing) Helper()        {}
func (f *failing) Cleanup(func()) {}
func (f *failing) Fatalf(format string, args ...any) {
	f.said = append(f.said, fmt.Sprintf(format, args...))
	panic(stopped{})
}

// fails runs a story that must fail and gives what it said.
func fails(t *testing.T, story func(testing.TB)) (said string) {
	t.Helper()
	f := &failing{TB: t}
	defer func() {
		if r := recover(); r == nil {
			t.Error("the story did not fail")
		} else if _, ok := r.(stopped); !ok {
			panic(r)
		}
		said = strings.Join(f.said, "\n")
	}()
	story(f)
	return ""
}

func TestWhatAPersonCannotDoFails(t *testing.T) {
	base := site(t)
	for want, story := range map[string]func(p *browser.Person){
		`the field "x" has no label`:                                 func(p *browser.Person) { p.Visit("/nolabel") },
		`there is no input or textarea "Name"; there are: "Address"`: func(p *browser.Person) { p.Visit("/form").Fill("Name", "x") },
		`it is disabled`:                      func(p *browser.Person) { p.Visit("/form").Fill("Off", "x") },
		`no option "Mars"`:                    func(p *browser.Person) { p.Visit("/form").Choose("Country", "Mars") },
		`ask to fill in "Address"`:            func(p *browser.Person) { p.Visit("/form").Fill("Address", "").Press("Send") },
		`does not see "not there"`:            func(p *browser.Person) { p.Visit("/form").Sees("not there") },
		`sees "Seen by all", which should`:    func(p *browser.Person) { p.Visit("/form").SeesNot("Seen by all") },
		`title "A form", want "B"`:            func(p *browser.Person) { p.Visit("/form").Title("B") },
		`there is no button or submit "Sand"`: func(p *browser.Person) { p.Visit("/form").Press("Sand") },
		`no page was visited`:                 func(p *browser.Person) { p.Sees("x") },
	} {
		said := fails(t, func(tb testing.TB) { story(browser.InProcess(tb, browser.Options{Base: base})) })
		if !strings.Contains(said, want) {
			t.Errorf("said %q, want %q", said, want)
		}
	}
}

func TestPostsToAnotherOriginSaySo(t *testing.T) {
	target := site(t)
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<form method="post" action="%s/other"><button>Win</button></form>`, strings.Replace(target, "127.0.0.1", "localhost", 1))
	}))
	defer evil.Close()
	browser.InProcess(t).Visit(evil.URL).Press("Win").Sees("site cross-site")
}

func TestScriptRunsOnlyWhereItIsOn(t *testing.T) {
	base := site(t)
	browser.Chromium(t, browser.Options{Base: base, Script: true}).Visit("/script").Sees("script ran")
	browser.Chromium(t, browser.Options{Base: base}).Visit("/script").Sees("no script")
}

// A page may go on by itself after it was loaded, as an answer by form_post does.
func TestAPageThatGoesOnByItselfIsWaitedFor(t *testing.T) {
	ada := browser.Chromium(t, browser.Options{Base: site(t), Script: true})
	ada.Visit("/later").Sees("wait", "Seen by all")
	ada.Visit("/later").At("/form")
	ada.Visit("/later").Title("A form")
	ada.Visit("/later").Fill("Address", "x")
}

func TestABreachOfTheContentPolicyIsHeard(t *testing.T) {
	ada := browser.Chromium(t, browser.Options{Base: site(t), Script: true})
	ada.Visit("/inline").Sees("inline")
	if heard := ada.Complaints(); len(heard) != 1 || !strings.Contains(heard[0], "Content Security Policy") {
		t.Errorf("heard %q", heard)
	}
	ada.Expect("Content Security Policy")
}

func TestPicturesAndWeight(t *testing.T) {
	file := filepath.Join(t.TempDir(), "new", "page.png")
	ada := browser.Chromium(t, browser.Options{Base: site(t), Script: true, Dark: true}).Visit("/script").Screenshot(file)
	if png, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(png), "\x89PNG") {
		t.Errorf("picture: %v, %d bytes", err, len(png))
	}
	if w := ada.Weight(); w.Requests != 2 || w.Bytes < 100 {
		t.Errorf("weight %+v, want 2 requests", w)
	}
}

func TestAxeFindsWhatIsWrong(t *testing.T) {
	ada := browser.Chromium(t, browser.Options{Base: site(t)}).Visit("/form")
	browser.AxeDayAndNight(t, ada, "form")
	heard := &listener{TB: t}
	browser.AxeDayAndNight(heard, ada.Visit("/poor"), "poor")
	for rule, times := range map[string]int{"image-alt": 1, "color-contrast": 2} { // what colours do not decide is not looked at again
		if said := strings.Count(heard.errors, rule+": "); said != times {
			t.Errorf("axe says %s %d times, want %d: %s", rule, said, times, heard.errors)
		}
	}
}

// listener is a test that keeps its errors to itself.
type listener struct {
	testing.TB
	errors string
}

func (l *listener) Errorf(format string, args ...any) { l.errors += fmt.Sprintf(format, args...) }
