package app

import (
	"crypto/tls"
	"net"
	"net/http"
	"strings"

	"tegata/shared/certs"
	"tegata/shared/config"
	"tegata/shared/serve"
)

// TLS is how the provider serves https itself, and how its clients show certificates.
type TLS struct {
	config.TLS `yaml:",inline"`
	Mutual     config.ClientCertificates `yaml:",inline"`
}

func (t TLS) check(p *config.Problems, c config.Program) {
	t.TLS.Check(p, c, t.Mutual.PublicURL)
	t.Mutual.Check(p, c, t.TLS)
}

// listening is the connections we take.
type listening struct {
	listener     net.Listener
	mutual       net.Listener // asks callers for a certificate; nil when there is none
	certificates certs.Source // nil: a proxy ends TLS
	tls          *tls.Config  // nil: plain http
}

// openTLS reads the certificate, so that a broken one shows at once.
func (a *App) openTLS() (err error) {
	t := a.Config.TLS
	a.certificates, err = t.Source(a.Config.Hosts(t.Mutual.PublicURL), a.Clock, a.Log)
	if err == nil && a.certificates != nil {
		a.tls = certs.Config(a.certificates, t.Least())
	}
	return err
}

// listen opens the ports that Options did not give.
func (a *App) listen() (err error) {
	if a.listener == nil {
		if a.listener, err = net.Listen("tcp", a.Config.Listen); err != nil {
			return err
		}
	}
	if address := a.Config.TLS.Mutual.Listen; address != "" && a.mutual == nil {
		a.mutual, err = net.Listen("tcp", address)
	}
	return err
}

// clientCertificates tells the front to look at certificates; nil when it should not.
func (a *App) clientCertificates() (*serve.ClientCertificates, error) {
	m := a.Config.TLS.Mutual
	if !m.Asked() {
		return nil, nil
	}
	if m.CAFile == "" {
		return &serve.ClientCertificates{}, nil
	}
	pool, err := certs.ReadPool(m.CAFile)
	return &serve.ClientCertificates{Authorities: pool}, err
}

// forClients leaves of the provider what clients ask themselves: no page, and nothing
// that a browser is sent to, is served where a certificate is asked for.
func forClients(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		if !strings.HasPrefix(path, "/oauth2/") || path == "/oauth2/authorize" || path == "/oauth2/logout" {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// servers is what Run runs. Nobody waits for load balancers in development.
func (a *App) servers() []*serve.Server {
	one := serve.Server{Listener: a.listener, Handler: a.Handler, TLS: a.tls, Log: a.Log, Health: a.health}
	if !a.Config.Development {
		one.Notice = serve.DefaultNotice
	}
	all := []*serve.Server{&one}
	if a.mutual != nil {
		two := one
		two.Listener, two.Handler, two.TLS = a.mutual, a.forClients, certs.Asking(a.tls)
		all = append(all, &two)
	}
	return all
}
