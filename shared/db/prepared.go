package db

import (
	"context"
	"database/sql"
	"sync"
)

// prepared keeps the statements of one connection or pool ready: preparing costs
// SQLite as much as running.
type prepared struct {
	on interface {
		PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	}
	mu    sync.RWMutex
	ready map[string]*sql.Stmt
}

func (p *prepared) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	p.mu.RLock()
	st := p.ready[query]
	p.mu.RUnlock()
	if st != nil {
		return st, nil
	}
	st, err := p.on.PrepareContext(context.WithoutCancel(ctx), query)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if old := p.ready[query]; old != nil {
		st.Close()
		return old, nil
	}
	if p.ready == nil {
		p.ready = map[string]*sql.Stmt{}
	}
	p.ready[query] = st
	return st, nil
}

// ExecContext runs a statement from the prepared ones.
func (p *prepared) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	st, err := p.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return st.ExecContext(ctx, args...)
}

// QueryContext runs a statement from the prepared ones.
func (p *prepared) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	st, err := p.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return st.QueryContext(ctx, args...)
}

// close ends the statements. Those of a single connection keep it open otherwise, and
// SQLite does not tidy its journal away.
func (p *prepared) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, st := range p.ready {
		st.Close()
	}
	p.ready = nil
}
