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
	err := filed[Resource]{
		all: r.Store.allResources, put: r.Store.putResource, disable: r.Store.disableResource,
		of: func(one Resource) (string, bool) { return one.ID, one.Source == SourceConfig && !one.Disabled },
	}.sync(ctx, r.Store.DB, file, r.Clock())
	r.resources.Store(nil)
	return err
}
