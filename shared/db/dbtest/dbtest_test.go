package dbtest

import (
	"bytes"
	"testing"

	"tegata/shared/db"
)

func TestBothProgramsHaveTheSameMechanisms(t *testing.T) {
	if !bytes.Equal(source(t, "idp/schema/"+mechanisms), source(t, "tracker/schema/"+mechanisms)) {
		t.Errorf("idp/schema/%s and tracker/schema/%s differ", mechanisms, mechanisms)
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
