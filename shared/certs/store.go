package certs

import (
	"context"
	"strings"
	"time"

	"golang.org/x/crypto/acme/autocert"

	"tegata/shared/clock"
	"tegata/shared/db"
	"tegata/shared/fault"
	"tegata/shared/secret"
)

// purpose binds sealed certificates to what they are.
const purpose = "certificate"

// SealedColumn is where private keys of certificates lie, sealed.
var SealedColumn = secret.Column{
	Name: "certificates", Table: "certificates", Row: "name", Box: "box", By: "sealed_by", Purpose: purpose,
}

// orderFor is how long a program may take to get a certificate before another one of
// the same database tries.
const orderFor = 2 * time.Minute

// Store keeps what ACME gets in the database, so that all nodes have it: each of them
// answers the authority's look, and one alone asks for a certificate.
type Store struct {
	DB    *db.DB
	Seal  *secret.Sealer
	Clock clock.Clock
}

var _ autocert.Cache = Store{}

// Get gives what was put under the name; autocert.ErrCacheMiss when there is nothing.
func (s Store) Get(ctx context.Context, name string) ([]byte, error) {
	var box []byte
	err := s.DB.Row(ctx, `select box from certificates where name = $1`, db.Args(name), &box)
	if fault.Is(err, fault.NotFound) {
		return nil, autocert.ErrCacheMiss
	}
	if err != nil {
		return nil, err
	}
	return s.Seal.Open(purpose, name, box)
}

// Put keeps data under the name, sealed. A certificate ends the order for it.
func (s Store) Put(ctx context.Context, name string, data []byte) error {
	box, err := s.Seal.Seal(purpose, name, data)
	if err != nil {
		return err
	}
	return s.DB.Tx(ctx, func(ctx context.Context) error {
		_, err := s.DB.Exec(ctx, `
			insert into certificates (name, box, sealed_by, updated_at) values ($1, $2, $3, $4)
			on conflict (name) do update set box = excluded.box, sealed_by = excluded.sealed_by, updated_at = excluded.updated_at`,
			name, box, secret.SealedBy(box), s.Clock())
		if err != nil {
			return err
		}
		_, err = s.DB.Exec(ctx, `delete from certificate_orders where name = $1`, name)
		return err
	})
}

// Delete forgets what was put under the name; it is no mistake when there is nothing.
func (s Store) Delete(ctx context.Context, name string) error {
	_, err := s.DB.Exec(ctx, `delete from certificates where name = $1`, name)
	return err
}

// order tells whether the holder may ask for the certificate now.
func (s Store) order(ctx context.Context, name, holder string) (mine bool, err error) {
	now := s.Clock()
	n, err := s.DB.Exec(ctx, `
		insert into certificate_orders (name, holder, until) values ($1, $2, $3)
		on conflict (name) do update set holder = excluded.holder, until = excluded.until
		where certificate_orders.holder = excluded.holder or certificate_orders.until < $4`,
		name, holder, now.Add(orderFor), now)
	return n == 1, err
}

// ofCertificate tells whether a name of autocert's is that of a certificate, and not of
// an account or of a proof for the authority.
func ofCertificate(name string) bool {
	return !strings.Contains(name, "+") || strings.HasSuffix(name, "+rsa")
}
