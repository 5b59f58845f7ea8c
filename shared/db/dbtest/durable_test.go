package dbtest

import (
	"errors"
	"os"
	"testing"

	"tegata/shared/db"
)

func TestADurableServerCommitsToTheDiskAndIsGoneAfterwards(t *testing.T) {
	server, err := StartDurable()
	if err != nil {
		without(t, err)
	}
	defer server.Stop()
	d, err := db.Open(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, setting := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		var is string
		if err := d.Row(t.Context(), `select setting from pg_settings where name = $1`, db.Args(setting), &is); err != nil || is != "on" {
			t.Errorf("%s is %q (%v), want on", setting, is, err)
		}
	}
	d.Close()
	server.Stop()
	if _, err := os.Stat(server.cluster.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the server left %s: %v", server.cluster.dir, err)
	}
}
