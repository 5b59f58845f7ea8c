package interop_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"tegata/shared/program/programtest"
)

// npm installs what package.json and its lock file pin, and puts the partner's program
// and site.mjs beside it: there Node looks for packages.
func npm(t testing.TB, partner, program string) (folder string) {
	t.Helper()
	into := installed(t, partner, []string{"package.json", "package-lock.json"}, func(into string) {
		fetch(t, into, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	})
	copied(t, partner, into, program)
	copied(t, ".", into, "site.mjs")
	return into
}

// pip installs what requirements.txt pins into an environment of its own.
func pip(t testing.TB, partner string) (python string) {
	t.Helper()
	into := installed(t, partner, []string{"requirements.txt"}, func(into string) {
		fetch(t, into, "python3", "-m", "venv", "--clear", "venv")
		fetch(t, into, into+"/venv/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt")
	})
	return into + "/venv/bin/python"
}

// maven fetches what pom.xml pins into lib, beside the partner's program.
func maven(t testing.TB, partner string, program ...string) (folder string) {
	t.Helper()
	into := installed(t, partner, []string{"pom.xml"}, func(into string) {
		fetch(t, into, "mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib")
	})
	for _, file := range program {
		copied(t, partner, into, file)
	}
	return into
}

// build compiles the Go program that go.pin names, in a module of its own: its
// libraries are none of ours.
func build(t testing.TB, partner, module string) (program string) {
	t.Helper()
	into := installed(t, partner, []string{"go.pin"}, func(into string) {
		if err := os.Rename(into+"/go.pin", into+"/go.mod"); err != nil {
			t.Fatal(err)
		}
		fetch(t, into, "go", "build", "-mod=mod", "-o", "program", module)
	})
	return into + "/program"
}

// apt installs Debian packages unless the file is there, which the last of them brings.
func apt(t testing.TB, file string, packages ...string) {
	t.Helper()
	heavy(t)
	if _, err := os.Stat(file); err == nil {
		return
	}
	fetch(t, ".", "apt-get", "update", "-q")
	fetch(t, ".", "apt-get", append([]string{"install", "-q", "-y", "--no-install-recommends"}, packages...)...)
}

// installed gives the folder in var/interop where a partner's packages lie. They are
// fetched when the files that pin them have changed since install went well.
func installed(t testing.TB, partner string, pins []string, install func(into string)) (into string) {
	t.Helper()
	heavy(t)
	into, err := filepath.Abs(programtest.Root("var/interop/" + partner))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(into, 0o755); err != nil {
		t.Fatal(err)
	}
	want, stamp := "", filepath.Join(into, ".installed")
	for _, pin := range pins {
		want += read(t, here(partner+"/"+pin))
	}
	if old, err := os.ReadFile(stamp); err == nil && string(old) == want {
		return into
	}
	for _, pin := range pins {
		copied(t, partner, into, pin)
	}
	install(into)
	write(t, stamp, want)
	return into
}

// fetch runs an installer. A registry that lacks the software, or cannot be reached,
// leaves the partner out; `make interop` lists who was left out at its end.
func fetch(t testing.TB, in, name string, args ...string) {
	t.Helper()
	if said, err := program(t, in, name, args...); err != nil {
		t.Skipf("NOT RUN: %s %v: %v\n%s", name, args, err, said)
	}
}

// compile turns a partner's source into a program; what does not compile is a failure.
func compile(t testing.TB, in, name string, args ...string) {
	t.Helper()
	if said, err := program(t, in, name, args...); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, said)
	}
}

// program runs to its end within installsWithin, and gives what it printed.
func program(t testing.TB, in, name string, args ...string) (said []byte, err error) {
	ctx, stop := context.WithTimeout(t.Context(), installsWithin)
	defer stop()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = in
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	return cmd.CombinedOutput()
}

// installsWithin is how long one installer may take.
const installsWithin = 4 * time.Minute

// here gives the path of a file of a partner.
func here(file string) string { return programtest.Root("idp/oidc/interop/" + file) }

// copied puts a file of the partner into a folder.
func copied(t testing.TB, partner, into, file string) {
	t.Helper()
	write(t, filepath.Join(into, file), read(t, here(partner+"/"+file)))
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
