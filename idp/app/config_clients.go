package app

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"tegata/idp/clients"
	"tegata/shared/config"
)

// Setting is what clients can be registered for.
func (c Config) Setting() clients.Setting {
	mutual := c.TLS.Mutual
	return clients.Setting{
		Development: c.Development, ResponseTypes: c.ResponseTypes,
		Certificates: mutual.Asked(), Authorities: mutual.Asked() && mutual.CAFile != "",
	}
}

// checkClients reads the clients as well, so that their mistakes show with the rest. Only
// serve goes by the file: it writes the clients into the database.
func (c Config) checkClients(p *config.Problems) {
	before := len(*p)
	if p.File("clients_file", c.ClientsFile, true); len(*p) > before {
		(*p)[before].Serving = true
		return
	}
	_, err := clients.ReadFile(c.ClientsFile, c.Development)
	var wrong clients.Problems
	if err != nil && !errors.As(err, &wrong) {
		*p = append(*p, config.Problem{File: c.ClientsFile, Message: err.Error(), Serving: true})
	}
	*p = append(*p, c.inClients(wrong)...)
}

// CheckFiled finds what clients of the file cannot use, though each of them is as it has to
// be: what CheckOffered finds, and clients that are not among ids, which are those of the
// database. It is no reason not to start: one client, or switching something off, must not
// keep every node down.
func (c Config) CheckFiled(file []clients.Client, resources []clients.Resource, ids []string) config.Problems {
	known := slices.Clone(ids)
	for _, one := range file {
		known = append(known, one.ID)
	}
	return append(c.CheckOffered(file), c.inClients(clients.CheckNames(file, resources, known))...)
}

// CheckOffered is the part of CheckFiled that asks no database.
func (c Config) CheckOffered(file []clients.Client) config.Problems {
	var wrong clients.Problems
	for i, one := range file {
		wrong = append(wrong, one.CheckOffered(fmt.Sprintf("clients[%d]", i), c.Setting())...)
	}
	return c.inClients(wrong)
}

// inClients tells where in clients_file the mistakes are.
func (c Config) inClients(wrong clients.Problems) (p config.Problems) {
	text, err := os.ReadFile(c.ClientsFile)
	if err != nil {
		text = nil // then without lines
	}
	for _, one := range wrong {
		line, column := clients.Position(text, one.Path)
		p = append(p, config.Problem{File: c.ClientsFile, Path: one.Path, Message: one.Message, Line: line, Column: column, Serving: true})
	}
	return p
}
