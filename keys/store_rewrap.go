package keys

import (
	"context"
	"encoding/hex"
	"fmt"

	"tegata/shared/db"
	"tegata/shared/secret"
)

// The names of tables and columns come from our own code, never from outside.

// sealedOtherwise is the condition for values that another key than $1 has sealed.
func sealedOtherwise(c secret.Column) string {
	where := fmt.Sprintf(`length(%[1]s) > 0 and substr(%[1]s, 1, 8) <> $1`, c.Box)
	if c.By != "" {
		where += ` and ` + c.By + ` <> ''` // plain ones have no key
	}
	return where
}

func tag(kek string) []byte {
	b, _ := hex.DecodeString(kek) // names come from secret.Sealer
	return b
}

func (r *Ring) countSealed(ctx context.Context, c secret.Column, kek string) (n int64, err error) {
	err = r.DB.Row(ctx, `select count(*) from `+c.Table+` where `+sealedOtherwise(c), db.Args(tag(kek)), &n)
	return n, err
}

// sealedRows gives values that another key has sealed, by row; those of the row after
// as well when again is true.
func (r *Ring) sealedRows(ctx context.Context, c secret.Column, kek, after string, again bool, n int) ([]sealedRow, error) {
	compare := ` > `
	if again {
		compare = ` >= `
	}
	text := `select ` + c.Row + `, ` + c.Box + ` from ` + c.Table + ` where ` + sealedOtherwise(c) +
		` and ` + c.Row + compare + `$2 order by ` + c.Row + ` limit $3`
	return db.Collect(ctx, r.DB, text, db.Args(tag(kek), after, n), func(scan db.Scan) (s sealedRow, err error) {
		return s, scan(&s.id, &s.box)
	})
}

// replaceSealed writes the fresh value, when the old one still stands.
func (r *Ring) replaceSealed(ctx context.Context, c secret.Column, old sealedRow, fresh []byte) (int64, error) {
	set, args := c.Box+` = $1`, []any{fresh, old.id, old.box}
	if c.By != "" {
		set += `, ` + c.By + ` = $4`
		args = append(args, secret.SealedBy(fresh))
	}
	return r.DB.Exec(ctx, `update `+c.Table+` set `+set+` where `+c.Row+` = $2 and `+c.Box+` = $3`, args...)
}
