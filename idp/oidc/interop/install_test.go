package interop_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"tegata/shared/program/programtest"
)

// npm installs what package.json and its lock file pin, and puts the partner's program
// beside it: there Node looks for packages.
func npm(t testing.TB, partner, program string) (folder string) {
	t.Helper()
	into := installed(t, partner, []string{"package.json", "package-lock.json"}, func(into string) {
		command(t, into, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	})
	copied(t, partner, into, program)
	return into
}

// pip installs what requirements.txt pins into an environment of its own.
func pip(t testing.TB, partner string) (python string) {
	t.Helper()
	into := installed(t, partner, []string{"requirements.txt"}, func(into string) {
		command(t, into, "python3", "-m", "venv", "--clear", "venv")
		command(t, into, into+"/venv/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt")
	})
	return into + "/venv/bin/python"
}

// maven fetches what pom.xml pins into lib, beside the partner's program.
func maven(t testing.TB, partner, program string) (folder string) {
	t.Helper()
	into := installed(t, partner, []string{"pom.xml"}, func(into string) {
		command(t, into, "mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib")
	})
	copied(t, partner, into, program)
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
		command(t, into, "go", "build", "-mod=mod", "-o", "program", module)
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
	command(t, ".", "apt-get", "update", "-q")
	command(t, ".", "apt-get", append([]string{"install", "-q", "-y", "--no-install-recommends"}, packages...)...)
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

// command runs an installer. One that fails is a failed test: a partner nobody could
// run proves nothing.
func command(t testing.TB, in, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = in
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, said)
	}
}

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
