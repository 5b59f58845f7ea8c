package cli

import (
	"context"

	"tegata/idp/app"
	"tegata/idp/clients"
	"tegata/shared/clock"
	"tegata/shared/config"
	"tegata/shared/db"
)

// filed finds what clients of the file cannot use, for config check. The file is right when
// Load is; where no database can be asked, any client may be in it.
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
		return c.CheckOffered(file)
	}
	return c.CheckFiled(file, resources, ids)
}

// known are the ids of the clients in the database.
func known(ctx context.Context, c app.Config) ([]string, error) {
	d, err := db.OpenExisting(ctx, c.Database.URL.Reveal())
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return (&clients.Registry{Store: clients.Store{DB: d}, Clock: clock.System}).IDs(ctx)
}
