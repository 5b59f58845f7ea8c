package clients

import (
	"context"
	"time"

	"tegata/shared/db"
)

// filed is one kind of record that clients_file registers.
type filed[T any] struct {
	all     func(ctx context.Context) ([]T, error)
	put     func(ctx context.Context, one T, now time.Time) error
	disable func(ctx context.Context, id string, now time.Time) error
	of      func(T) (id string, works bool) // works: it came from the file and is not disabled
}

// sync writes what the file has and disables what left it, all or nothing.
func (f filed[T]) sync(ctx context.Context, d *db.DB, file []T, now time.Time) error {
	return d.Tx(ctx, func(ctx context.Context) error {
		known, err := f.all(ctx)
		if err != nil {
			return err
		}
		there := map[string]bool{}
		for _, one := range file {
			id, _ := f.of(one)
			there[id] = true
			if err := f.put(ctx, one, now); err != nil {
				return err
			}
		}
		for _, one := range known {
			id, works := f.of(one)
			if !works || there[id] {
				continue
			}
			if err := f.disable(ctx, id, now); err != nil {
				return err
			}
		}
		return nil
	})
}
