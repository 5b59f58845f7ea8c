package config_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegata/shared/config"
)

type house struct {
	Name  string            `yaml:"name"`
	Rooms int               `yaml:"rooms"`
	Warm  bool              `yaml:"warm"`
	Lease config.Duration   `yaml:"lease"`
	Door  door              `yaml:"door"`
	Cats  []string          `yaml:"cats"`
	Names map[string]string `yaml:"names"`
	Flats []door            `yaml:"flats"`
	Yard  `yaml:",inline"`
}

type door struct {
	Code  config.Secret `yaml:"code"`
	Width int           `yaml:"width"`
}

type Yard struct {
	Trees int `yaml:"trees"`
}

func (h house) Validate() []config.Problem {
	var p config.Problems
	p.Between("rooms", h.Rooms, 1, 9)
	p.Text("name", h.Name, 1, 10)
	return p
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, text string, environ ...string) (house, error) {
	t.Helper()
	return config.Load(write(t, "house.yaml", text), environ, "HOUSE", house{Name: "default", Rooms: 3})
}

func TestEveryKindOfValueIsRead(t *testing.T) {
	code := write(t, "code", "open sesame\n")
	got, err := load(t, `
# a comment
name: "Tegata"
rooms: 4
warm: true
lease: 1d12h
door: {code_file: `+code+`, width: 90}
cats: [Tama, "Mike"]
names:
  ja: 手形
  en: pass
flats:
  - width: 1
  - width: 2
trees: 7
`)
	if err != nil {
		t.Fatal(err)
	}
	shown := fmt.Sprintf("%+v", got)
	want := house{Name: "Tegata", Rooms: 4, Warm: true, Lease: config.Duration(36 * time.Hour)}
	if got.Name != want.Name || got.Rooms != want.Rooms || !got.Warm || got.Lease != want.Lease || got.Trees != 7 ||
		len(got.Cats) != 2 || got.Names["ja"] != "手形" || len(got.Flats) != 2 || got.Flats[1].Width != 2 {
		t.Errorf("got %s", shown)
	}
	if got.Door.Code.Reveal() != "open sesame" {
		t.Errorf("secret %q, want what the file holds, without the line end", got.Door.Code.Reveal())
	}
	if strings.Contains(shown+fmt.Sprintf("%#v", got), "sesame") {
		t.Errorf("the secret prints: %s", shown)
	}
}

func TestAnEmptyFileGivesTheDefaults(t *testing.T) {
	for _, text := range []string{"", "# only a comment\n", "---\n"} {
		got, err := load(t, text)
		if err != nil || got.Name != "default" || got.Rooms != 3 {
			t.Errorf("%q: %+v %v, want the defaults", text, got, err)
		}
	}
}

func TestAllMistakesAreListedAtOnceWithPathAndPlace(t *testing.T) { // F-30
	_, err := load(t, `name: 12
roms: 4
warm: yes
lease: soon
door:
  width: wide
  color: red
  width: 3
cats: Tama
rooms: 77
flats:
  - width: 1
    hinge: left
`)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`: 10 mistakes`,
		`1:7 name: want text (put it in quotes), found 12`,
		`2:1 roms: there is no such key, did you mean rooms?`,
		`3:7 warm: want true or false, found the text "yes"`,
		`4:8 lease: want a duration such as "90s", "15m", "12h" or "7d", found "soon"`,
		`6:10 door.width: want a whole number, found the text "wide"`,
		`7:3 door.color: there is no such key`,
		`8:3 door.width: the key stands here a second time`,
		`9:7 cats: want a list, found the text "Tama"`,
		`10:8 rooms: is 77, want 1 to 9`,
		`13:5 flats[0].hinge: there is no such key`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("not told: %s\nin:\n%v", want, err)
		}
	}
}

func TestVariablesStandForEveryKey(t *testing.T) {
	got, err := load(t, "name: file\nrooms: 77\n",
		"HOUSE_ROOMS=5", "HOUSE_WARM=true", "HOUSE_LEASE=7d", "HOUSE_DOOR_CODE=hush", "HOUSE_DOOR_WIDTH=80",
		"HOUSE_CATS=Tama, Mike", "HOUSE_TREES=2", "HOUSE_CONFIG=elsewhere.yaml", "OTHER=1")
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "file" || got.Rooms != 5 || !got.Warm || got.Door.Code.Reveal() != "hush" || got.Door.Width != 80 ||
		len(got.Cats) != 2 || got.Cats[1] != "Mike" || got.Trees != 2 || got.Lease != config.Duration(7*24*time.Hour) {
		t.Errorf("got %+v", got)
	}
}

func TestWrongVariablesAreNamed(t *testing.T) {
	_, err := load(t, "name: file\n", "HOUSE_ROMS=5", "HOUSE_WARM=1", "HOUSE_ROOMS=77", "HOUSE_LEASE=-3h",
		"HOUSE_DOOR_CODE=a", "HOUSE_DOOR_CODE_FILE=b")
	for _, want := range []string{
		"HOUSE_ROMS there is no key for this variable",
		`HOUSE_WARM warm: want true or false, found "1"`,
		"HOUSE_ROOMS rooms: is 77",
		"HOUSE_LEASE lease: want a duration",
		"HOUSE_DOOR_CODE door.code: is set beside HOUSE_DOOR_CODE_FILE",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("not told: %s\nin: %v", want, err)
		}
	}
}

func TestFilesThatCannotBeReadAreMistakes(t *testing.T) {
	open := write(t, "open", "secret")
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, text, want string }{
		{"syntax", "name: [a\n", "1:"},
		{"tab", "door:\n\twidth: 1\n", "2:"},
		{"two documents", "name: a\n---\nname: b\n", "2 documents"},
		{"a list", "- a\n", "want a section"},
		{"not UTF-8", "name: \xff\n", "not UTF-8"},
		{"too long", "name: " + strings.Repeat("x", 1<<20), "more than"},
		{"anchor", "name: &a x\n", "anchors"},
		{"alias", "name: &a x\ncats: *a\n", "anchors"},
		{"merge", "door: &d {width: 1}\nflats: [{<<: *d}]\n", "anchors"},
		{"tag", "name: !!str 5\n", "tags"},
		{"null", "name:\nrooms: 2\n", "name: the key has no value"},
		{"huge number", "rooms: 99999999999999999999999\n", "rooms"},
		{"secret file missing", "door: {code_file: /nowhere}\n", "door.code_file: "},
		{"secret file open to others", "door: {code_file: " + open + "}\n", "chmod 600"},
		{"secret twice", "door: {code: sesame, code_file: " + write(t, "other", "hush") + "}\n", "door.code_file: stands beside code; remove one of them"},
		{"secret twice, the other way about", "door: {code_file: " + write(t, "other", "hush") + ", code: sesame}\n", "door.code: stands beside code_file; remove one of them"},
		{"secret file empty", "door: {code_file: " + write(t, "empty", "\n") + "}\n", "is empty"},
	} {
		_, err := load(t, c.text)
		var m *config.Mistakes
		if !errors.As(err, &m) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q in it", c.name, err, c.want)
		}
	}
	file := write(t, "house.yaml", "name: a\n")
	for mode, refused := range map[os.FileMode]bool{0o666: true, 0o602: true, 0o664: false, 0o644: false} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		_, err := config.Load(file, nil, "", house{Rooms: 3})
		if told := err != nil && strings.Contains(err.Error(), "run: chmod o-w "+file); told != refused {
			t.Errorf("a file of mode %04o: %v, refused should be %v", mode, err, refused)
		}
	}
	if _, err := config.Load("/nowhere.yaml", nil, "", house{}); err == nil || !strings.Contains(err.Error(), "/nowhere.yaml") {
		t.Errorf("missing file: %v, want its name", err)
	}
}

func TestDurationsAreReadAsTheyAreWritten(t *testing.T) {
	for _, text := range []string{"0s", "90s", "15m", "12h", "7d", "1d12h", "1h30m"} {
		var d config.Duration
		if err := d.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var again config.Duration
		if err := again.UnmarshalText([]byte(d.String())); err != nil || again != d {
			t.Errorf("%s prints as %s, which reads as %v %v", text, d, again, err)
		}
	}
	for _, text := range []string{"", "7", "d", "-1h", "-7d", "7d-1h", "1.5d", "99999d", "1h1d", "+1h"} {
		var d config.Duration
		if err := d.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was read as %s", text, d)
		}
	}
}

func TestShowHidesSecretsAndCanBeReadAgain(t *testing.T) {
	got, err := load(t, "door: {code: sesame, width: 2}\ncats: ['a: b', 'no']\nlease: 7d\n")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := config.Show(&out, got); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "sesame") {
		t.Errorf("the secret is shown:\n%s", &out)
	}
	again, err := load(t, out.String())
	if err != nil || again.Lease != got.Lease || len(again.Cats) != 2 || again.Cats[0] != "a: b" {
		t.Errorf("read again: %+v %v\n%s", again, err, &out)
	}
}
