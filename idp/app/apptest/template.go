package apptest

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"tegata/idp/app"
	"tegata/shared/clock"
	"tegata/shared/db/dbtest"
	"tegata/shared/program"
	"tegata/shared/program/programtest"
)

// began is a provider's database as it is after the first start, with signing keys and
// without clients or people, and the key-encryption key they are sealed by.
type began struct{ database, kek []byte }

// template is made once for all tests of a package: a provider makes four RSA keys at its
// first start, which takes longer than most tests, and the more so with the race detector.
var template = sync.OnceValues(func() (b began, err error) {
	folder, err := os.MkdirTemp("", "apptest")
	if err != nil {
		return b, err
	}
	defer os.RemoveAll(folder)
	database, kek := filepath.Join(folder, "idp.db"), filepath.Join(folder, kekFile)
	cfg, err := app.Load(programtest.Root("configs/idp.yaml"), []string{
		"TEGATA_IDP_DATABASE_URL=sqlite:" + database, "TEGATA_IDP_KEY_ENCRYPTION_KEY_FILE=" + kek,
		"TEGATA_IDP_CLIENTS_FILE=" + programtest.Root("configs/clients.yaml"), "TEGATA_IDP_PEOPLE_FILE=", // neither is read here
	})
	if err != nil {
		return b, err
	}
	ctx := context.Background()
	s, err := app.Open(ctx, cfg, app.Options{Options: program.Options{
		Clock: clock.Hold(programtest.Began).Now, Log: slog.New(slog.DiscardHandler),
	}})
	if err != nil {
		return b, err
	}
	if err := errors.Join(s.Keys.Ensure(ctx, s.Keys.Needs...), s.Close()); err != nil {
		return b, err
	}
	if b.database, err = os.ReadFile(database); err != nil {
		return b, err
	}
	b.kek, err = os.ReadFile(kek)
	return b, err
})

// lay puts the template where a provider would begin with nothing: in a SQLite file that
// is not there, at the time the template is from, unless the settings say something of keys.
func lay(t testing.TB, o Options, cfg app.Config) {
	t.Helper()
	path, isFile := strings.CutPrefix(cfg.Database.URL.Reveal(), dbtest.KindSQLite+":")
	_, err := os.Stat(path)
	ofKeys := func(setting string) bool { return strings.HasPrefix(setting, "TEGATA_IDP_KEY") }
	if !isFile || !errors.Is(err, os.ErrNotExist) || !o.Clock.Now().Equal(programtest.Began) || slices.ContainsFunc(o.Settings, ofKeys) {
		return
	}
	b, err := template()
	if err == nil {
		err = errors.Join(os.WriteFile(path, b.database, 0o600), os.WriteFile(cfg.KeyEncryptionKey.File, b.kek, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
}
