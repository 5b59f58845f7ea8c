package app

import (
	"context"
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

// listenMutual opens the port that asks for certificates when Options did not give it.
func (a *App) listenMutual() (err error) {
	if address := a.Config.TLS.Mutual.Listen; address != "" && a.mutual == nil {
		a.mutual, err = net.Listen("tcp", address)
	}
	return err
}

// mutualPorts gives what serves clients there, if there is such a port.
func (a *App) mutualPorts() []*serve.Server {
	if a.mutual == nil {
		return nil
	}
	port := a.Port()
	port.Listener, port.Handler, port.TLS = a.mutual, a.forClients, certs.Asking(a.TLS)
	return []*serve.Server{port}
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
	authorities := &certs.Authorities{File: m.CAFile, Log: a.Log}
	looks := &serve.ClientCertificates{Authorities: authorities.Pool}
	if m.CRLFile == "" {
		a.watches = append(a.watches, authorities.Watch)
		a.showFailing(map[string]func() bool{"client_ca_file": authorities.Failing})
		return looks, authorities.Reload()
	}
	revoked := &certs.Revoked{File: m.CRLFile, Authorities: authorities, Clock: a.Clock, Log: a.Log} // it looks at both files
	a.watches = append(a.watches, revoked.Watch)
	a.showFailing(map[string]func() bool{"client_ca_file": authorities.Failing, "client_crl_file": revoked.Failing})
	looks.Revoked = revoked.Check
	return looks, revoked.Reload()
}

// showFailing adds to the metrics, by key of the configuration, whether its file cannot be
// used, so that clients may be refused or believed wrongly.
func (a *App) showFailing(files map[string]func() bool) {
	a.Metrics.GaugeBy("tegata_tls_client_file_failing", "1 while a file that clients' certificates are checked with cannot be used.", "file",
		func(context.Context) (map[string]int, error) {
			all := map[string]int{}
			for key, failing := range files {
				if all[key] = 0; failing() {
					all[key] = 1
				}
			}
			return all, nil
		})
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
