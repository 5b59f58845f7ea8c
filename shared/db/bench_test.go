package db_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

func benchEach(b *testing.B, do func(b *testing.B, d *db.DB)) {
	for _, kind := range []string{dbtest.KindSQLite, dbtest.KindPostgres} {
		b.Run(kind, func(b *testing.B) {
			d := dbtest.Open(b, dbtest.URL(b, kind), things)
			for i := range 1000 {
				if err := insert(b.Context(), d, fmt.Sprint(i)); err != nil {
					b.Fatal(err)
				}
			}
			b.ResetTimer()
			do(b, d)
		})
	}
}

// BenchmarkPointRead is one row by its key, as a request does it: with a context
// that can be cancelled, and for comparison with one that cannot.
func BenchmarkPointRead(b *testing.B) {
	read := func(ctx context.Context, b *testing.B, d *db.DB) {
		var name string
		for b.Loop() {
			if err := d.Row(ctx, `select name from things where id = $1`, db.Args("500"), &name); err != nil {
				b.Fatal(err)
			}
		}
	}
	benchEach(b, func(b *testing.B, d *db.DB) {
		b.Run("cancellable", func(b *testing.B) { read(b.Context(), b, d) })
		b.Run("not cancellable", func(b *testing.B) { read(context.Background(), b, d) })
	})
}

// BenchmarkPointReadParallel is the same from many requests at once.
func BenchmarkPointReadParallel(b *testing.B) {
	benchEach(b, func(b *testing.B, d *db.DB) {
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			var name string
			for pb.Next() {
				if err := d.Row(b.Context(), `select name from things where id = $1`, db.Args("500"), &name); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// BenchmarkWrite is one durable write after the other.
func BenchmarkWrite(b *testing.B) {
	benchEach(b, func(b *testing.B, d *db.DB) {
		i := 0
		for b.Loop() {
			i++
			if err := insert(b.Context(), d, fmt.Sprintf("w%09d", i)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkWriteParallel has 64 writers at once; on SQLite they share commits.
func BenchmarkWriteParallel(b *testing.B) {
	benchEach(b, func(b *testing.B, d *db.DB) {
		var i atomic.Int64
		b.SetParallelism(32) // times GOMAXPROCS
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := insert(b.Context(), d, fmt.Sprintf("p%09d", i.Add(1))); err != nil {
					b.Error(err)
				}
			}
		})
	})
}
