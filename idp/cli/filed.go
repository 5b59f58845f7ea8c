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

// filed finds what clients of the file cannot use, for config check. The file is right when
// Load is; a database that there is not yet has no clients, and one that cannot be asked
// may have any.
func filed(ctx context.Context, c app.Config) config.Problems {
	file, err := clients.ReadFile(c.ClientsFile, c.Development)
	if err != nil {
		return nil
	}
	resources, err := clients.ReadResources(c.ClientsFile, c.Development)
	if err != nil {
		return nil
	}
	ids, err := known(ctx, c)
	if err != nil {
		return nil
	}
	return c.CheckFiled(file, resources, ids)
}

// known are the ids of the clients in the database.
func known(ctx context.Context, c app.Config) ([]string, error) {
	d, err := db.OpenExisting(ctx, c.Database.URL.Reveal())
	var missing *db.Missing
	if errors.As(err, &missing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return (&clients.Registry{Store: clients.Store{DB: d}, Clock: clock.System}).IDs(ctx)
}
