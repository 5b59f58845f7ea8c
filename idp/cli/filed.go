package cli

import (
	"context"
	"errors"
	"slices"

	"tegata/idp/app"
	"tegata/idp/clients"
	"tegata/shared/clock"
	"tegata/shared/config"
	"tegata/shared/db"
)

// filed finds what clients of the file cannot use, for config check: beside mistakes that
// Load tells, and not about what those are about. Where no database can be asked, any client
// may be in it.
func filed(ctx context.Context, c app.Config) config.Problems {
	file, err := clients.ReadFile(c.ClientsFile, c.Development)
	var told clients.Problems
	if err != nil && !errors.As(err, &told) {
		return nil
	}
	resources, _ := clients.ReadResources(c.ClientsFile, c.Development) // with the same mistakes
	found := c.CheckOffered(file)
	if ids, err := known(ctx, c); err == nil {
		found = c.CheckFiled(file, resources, ids)
	}
	return slices.DeleteFunc(found, func(one config.Problem) bool { return told.Cover(one.Path) })
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
