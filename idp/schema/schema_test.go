package schema_test

import (
	"fmt"
	"io/fs"
	"testing"
	"testing/fstest"

	"tegata/idp/schema"
	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// before gives the files up to the one that changes something, without it.
func before(t *testing.T, name string) fs.FS {
	t.Helper()
	all, older := fstest.MapFS{}, 0
	entries, err := fs.ReadDir(schema.FS, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() < name {
			text, err := fs.ReadFile(schema.FS, e.Name())
			if err != nil {
				t.Fatal(err)
			}
			all[e.Name()], older = &fstest.MapFile{Data: text}, older+1
		}
	}
	if older == 0 || older == len(entries) {
		t.Fatalf("%d of %d files are older than %s", older, len(entries), name)
	}
	return all
}

// Grants that are alive when the program is updated stay as they are.
func TestGrantsLiveThroughTheLossOfTheirTies(t *testing.T) {
	dbtest.Each(t, nil, func(t *testing.T, d *db.DB) {
		migrate := func(files fs.FS) {
			t.Helper()
			if _, err := d.Migrate(t.Context(), files, clock.System()); err != nil {
				t.Fatal(err)
			}
		}
		migrate(before(t, "0013"))
		for _, text := range []string{
			`insert into accounts (id, subject, email, state, given_name, family_name, nickname, country, language, zone, activation_id, created_at, updated_at)
				values ('a', 's', 'a@example.org', 'active', 'A', 'B', '', 'JP', 'ja', 'Asia/Tokyo', '', 1, 1)`,
			`insert into clients (id, source, record, disabled, created_at, updated_at) values ('c', 'cli', '{}', false, 7, 8)`,
			`insert into grants (id, client_id, account_id, session_id, offline, scopes, session, created_at, expires_at)
				values ('online', 'c', 'a', 's', false, 'openid', '{"sub":"x"}', 10, 20)`,
			`insert into grants (id, client_id, account_id, session_id, offline, scopes, session, created_at, expires_at, ended_at, root_id,
				turn, refresh_cnf, refresh_until, turned_at, used_at)
				values ('offline', 'c', 'a', 's', true, 'openid offline_access', '{}', 11, 21, 22, 'online', 3, 'jkt', 23, 24, 25)`,
		} {
			if _, err := d.Exec(t.Context(), text); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
		}
		migrate(schema.FS)
		for id, want := range map[string]string{
			"online":  `c 7 a s false openid {"sub":"x"} 10 20 0 - 0  0 0 0`,
			"offline": "c 7 a s true openid offline_access {} 11 21 22 online 3 jkt 23 24 25",
		} {
			var r struct {
				client, account, session, scopes, about, root, cnf             string
				registered, created, expires, ended, turn, until, turned, used int64
				offline                                                        bool
			}
			err := d.Row(t.Context(), `
				select client_id, registered, account_id, session_id, offline, scopes, session, created_at, expires_at, coalesce(ended_at, 0),
					coalesce(root_id, '-'), turn, refresh_cnf, coalesce(refresh_until, 0), coalesce(turned_at, 0), coalesce(used_at, 0)
				from grants where id = $1`, db.Args(id), &r.client, &r.registered, &r.account, &r.session, &r.offline, &r.scopes, &r.about,
				&r.created, &r.expires, &r.ended, &r.root, &r.turn, &r.cnf, &r.until, &r.turned, &r.used)
			got := fmt.Sprint(r.client, " ", r.registered, " ", r.account, " ", r.session, " ", r.offline, " ", r.scopes, " ", r.about, " ",
				r.created, " ", r.expires, " ", r.ended, " ", r.root, " ", r.turn, " ", r.cnf, " ", r.until, " ", r.turned, " ", r.used)
			if err != nil || got != want {
				t.Errorf("%s: got %q, %v, want %q", id, got, err, want)
			}
		}
	})
}
