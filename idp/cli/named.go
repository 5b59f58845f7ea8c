package cli

import (
	"context"
	"errors"

	"tegata/idp/app"
	"tegata/idp/clients"
	"tegata/shared/clock"
	"tegata/shared/config"
	"tegata/shared/db"
)

// names finds clients that the clients file names and that are nowhere. The file is right
// when Load is; a database that there is not yet has no clients, and one that cannot be
// asked may have any.
func names(ctx context.Context, c app.Config) config.Problems {
	file, err := clients.ReadFile(c.ClientsFile, c.Development)
	if err != nil {
		return nil
	}
	resources, err := clients.ReadResources(c.ClientsFile, c.Development)
	if err != nil {
		return nil
	}
	known, err := known(ctx, c)
	if err != nil {
		return nil
	}
	ids := make([]string, 0, len(file)+len(known))
	for _, one := range append(known, file...) {
		ids = append(ids, one.ID)
	}
	return c.InClients(clients.CheckNames(file, resources, ids))
}

// known are the clients of the database.
func known(ctx context.Context, c app.Config) ([]clients.Client, error) {
	d, err := db.OpenExisting(ctx, c.Database.URL.Reveal())
	var missing *db.Missing
	if errors.As(err, &missing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return (&clients.Registry{Store: clients.Store{DB: d}, Clock: clock.System}).List(ctx)
}
