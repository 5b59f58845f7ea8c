package dbtest

import (
	"bytes"
	"testing"

	"tegata/shared/db"
)

func TestBothProgramsHaveTheSameMechanisms(t *testing.T) {
	for _, name := range mechanisms {
		one, other := source(t, "idp/schema/*_"+name+".sql"), source(t, "tracker/schema/*_"+name+".sql")
		if !bytes.Equal(one, other) {
			t.Errorf("%s.sql of idp and tracker differ", name)
		}
	}
}

func TestEachTestHasADatabaseOfItsOwn(t *testing.T) {
	for range 2 {
		Each(t, nil, func(t *testing.T, d *db.DB) {
			if _, err := d.Exec(t.Context(), `create table here (id bigint)`); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestADatabaseIsGoneAfterItsTest(t *testing.T) {
	var url string
	t.Run("uses one", func(t *testing.T) {
		url = URL(t, KindPostgres)
		if _, err := Open(t, url, nil).Exec(t.Context(), `create table here (id bigint)`); err != nil {
			t.Error(err)
		}
	})
	if url == "" {
		t.Skip("not tested on PostgreSQL") // said so already
	}
	var n int
	err := Open(t, url, nil).Row(t.Context(), `select count(*) from information_schema.schemata where schema_name = any (current_schemas(false))`, nil, &n)
	if err != nil || n != 0 {
		t.Errorf("got %d, %v, want that the schema is gone", n, err)
	}
}
