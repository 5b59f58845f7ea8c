package clients

import (
	"context"
	"slices"
	"time"

	"tegata/shared/fault"
)

// resourceList is every resource, as it was a moment ago.
type resourceList struct {
	all   []Resource
	until time.Time
}

// Resources gives every enabled resource, in the order of their identifiers. They are
// shared with others: read them only.
func (r *Registry) Resources(ctx context.Context) ([]Resource, error) {
	now := r.Clock()
	if kept := r.resources.Load(); kept != nil && now.Before(kept.until) {
		return kept.all, nil
	}
	all, err := r.Store.allResources(ctx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(one Resource) bool { return one.Disabled })
	r.resources.Store(&resourceList{all, now.Add(fresh)})
	return all, nil
}

// Resource gives an enabled resource; fault.NotFound when there is none.
func (r *Registry) Resource(ctx context.Context, id string) (Resource, error) {
	all, err := r.Resources(ctx)
	if err != nil {
		return Resource{}, err
	}
	for _, one := range all {
		if one.ID == id {
			return one, nil
		}
	}
	return Resource{}, fault.New(fault.NotFound, "resource", "oidc.unknown_resource")
}

// SyncResources brings the database in step with the file, as Sync does for clients.
func (r *Registry) SyncResources(ctx context.Context, file []Resource) error {
	now := r.Clock()
	err := r.Store.DB.Tx(ctx, func(ctx context.Context) error {
		known, err := r.Store.allResources(ctx)
		if err != nil {
			return err
		}
		for _, one := range file {
			if err := r.Store.putResource(ctx, one, now); err != nil {
				return err
			}
		}
		for _, one := range known {
			left := one.Source == "config" && !one.Disabled && !slices.ContainsFunc(file, func(f Resource) bool { return f.ID == one.ID })
			if !left {
				continue
			}
			if err := r.Store.disableResource(ctx, one.ID, now); err != nil {
				return err
			}
		}
		return nil
	})
	r.resources.Store(nil)
	return err
}
