package db_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"tegata/shared/db"
	"tegata/shared/db/dbtest"
)

// families has the shape of what a provider keeps of log-ins: rows of 200 to 600 bytes
// under ids that grow with time, and tables that hang on one another.
var families = fstest.MapFS{"0001_families.sql": {Data: []byte(`
create table clients (id text primary key, record text not null, disabled boolean not null);
create table accounts (id text primary key, state text not null, email text not null, deleted_at bigint);
create table consents (account_id text not null, client_id text not null, scopes text not null, primary key (account_id, client_id));
create table sessions (id text primary key, digest bytea not null, account_id text not null references accounts (id) on delete cascade,
	agent text not null, expires_at bigint not null, ended_at bigint);
create index sessions_account_id on sessions (account_id);
create table grants (id text primary key, client_id text not null references clients (id) on delete cascade,
	account_id text not null references accounts (id) on delete cascade, session_id text not null,
	session text not null, expires_at bigint not null, ended_at bigint, root_id text);
create index grants_session_id on grants (session_id);
create index grants_account_id on grants (account_id);
create index grants_expires_at on grants (expires_at);
create table tokens (id text primary key, grant_id text not null references grants (id) on delete cascade, kind text not null,
	digest bytea not null, target text, created_at bigint not null, expires_at bigint not null, ended_at bigint, next_id text);
create index tokens_grant_id on tokens (grant_id);
`)}}

// sortable is an id that grows with n, as long as a UUID.
func sortable(kind string, n int) string {
	return fmt.Sprintf("%s-%013d-7abc-8def-0123456789", kind, n)
}

const familyCount = 10_000

func fillFamilies(b *testing.B, d *db.DB) {
	b.Helper()
	err := d.Tx(context.Background(), func(ctx context.Context) error {
		for i := range familyCount {
			for _, one := range []struct {
				text string
				args []any
			}{
				{`insert into clients values ($1, $2, false) on conflict do nothing`, db.Args(sortable("c", i%4), strings.Repeat("c", 900))},
				{`insert into accounts values ($1, 'active', $2, null)`, db.Args(sortable("a", i), fmt.Sprintf("person%d@example.org", i))},
				{`insert into consents values ($1, $2, 'openid email')`, db.Args(sortable("a", i), sortable("c", i%4))},
				{`insert into sessions values ($1, $2, $3, $4, $5, null)`, db.Args(sortable("s", i), make([]byte, 32), sortable("a", i), strings.Repeat("a", 60), noon)},
				{`insert into grants values ($1, $2, $3, $4, $5, $6, null, null)`,
					db.Args(sortable("g", i), sortable("c", i%4), sortable("a", i), sortable("s", i), strings.Repeat("x", 350), noon.Add(time.Duration(i)))},
				{newToken, db.Args(sortable("t", i), sortable("g", i), "refresh", make([]byte, 32), noon)},
			} {
				if _, err := d.Exec(ctx, one.text, one.args...); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

const newToken = `insert into tokens (id, grant_id, kind, digest, created_at, expires_at) values ($1, $2, $3, $4, $5, $5)`

// family is what the join gives.
type family struct {
	id, grant, client, session, state string
	digest                            []byte
	expires                           time.Time
	ended, over                       *time.Time
	disabled                          bool
	sid, scopes                       *string
}

// readFamily is a token with all it hangs on.
func readFamily(ctx context.Context, d *db.DB, token string) (f family, err error) {
	err = d.Row(ctx, `
		select t.id, t.digest, t.expires_at, t.ended_at, g.id, g.client_id, g.session, s.id, s.ended_at, c.disabled, a.state, o.scopes
		from tokens t
		join grants g on g.id = t.grant_id
		join clients c on c.id = g.client_id
		join accounts a on a.id = g.account_id
		left join sessions s on s.id = g.session_id
		left join grants r on r.id = g.root_id
		left join consents o on o.account_id = g.account_id and o.client_id = g.client_id
		where t.id = $1 and t.kind = $2`, db.Args(token, "refresh"),
		&f.id, &f.digest, &f.expires, &f.ended, &f.grant, &f.client, &f.session, &f.sid, &f.over, &f.disabled, &f.state, &f.scopes)
	return f, err
}

// renew puts a token in the place of another one.
func renew(ctx context.Context, d *db.DB, f family, next string, now time.Time) error {
	return d.Tx(ctx, func(ctx context.Context) error {
		if _, err := d.Exec(ctx, `update tokens set ended_at = $3, next_id = $2 where id = $1 and ended_at is null`, f.id, next, now); err != nil {
			return err
		}
		if _, err := d.Exec(ctx, `update grants set expires_at = $2 where id = $1 and ended_at is null`, f.grant, now); err != nil {
			return err
		}
		if _, err := d.Exec(ctx, newToken, next+"a", f.grant, "access", make([]byte, 32), now); err != nil {
			return err
		}
		_, err := d.Exec(ctx, newToken, next, f.grant, "refresh", make([]byte, 32), now)
		return err
	})
}

// cpu is the processor time that this process used up.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkRenewParallel has callers who each read a token with all it hangs on, and
// replace it durably, over and over. Commits go on beside the reads, as in real life.
// What counts is cpu-us/op: others may use the machine too.
func BenchmarkRenewParallel(b *testing.B) {
	for _, callers := range []int{16, 64} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			d := dbtest.Open(b, dbtest.URL(b, dbtest.KindSQLite), families)
			fillFamilies(b, d)
			var who, n atomic.Int64
			n.Store(familyCount)
			b.SetParallelism(callers / 2)
			b.ReportAllocs()
			b.ResetTimer()
			before := cpu()
			b.RunParallel(func(pb *testing.PB) {
				at := int(who.Add(1)) * 150
				token := sortable("t", at)
				for pb.Next() {
					f, err := readFamily(b.Context(), d, token)
					if err == nil {
						token = sortable("t", int(n.Add(1)))
						err = renew(b.Context(), d, f, token, noon.Add(time.Duration(n.Load())*time.Microsecond))
					}
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(cpu()-before)/float64(b.N)/1e3, "cpu-us/op")
		})
	}
}

// BenchmarkFamilyRead is the read of BenchmarkRenewParallel when nobody writes.
func BenchmarkFamilyRead(b *testing.B) {
	d := dbtest.Open(b, dbtest.URL(b, dbtest.KindSQLite), families)
	fillFamilies(b, d)
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu()
	n := 0
	for b.Loop() {
		n++
		if _, err := readFamily(b.Context(), d, sortable("t", n%64*150)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpu()-before)/float64(b.N)/1e3, "cpu-us/op")
}
