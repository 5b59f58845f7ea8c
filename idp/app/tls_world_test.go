package app_test

import (
	"strings"
	"testing"

	"tegata/idp/app/apptest"
	"tegata/shared/certs/certstest"
	"tegata/shared/program/programtest"
)

// mutual is a provider that serves TLS itself, and asks for certificates on a second
// address.
type mutual struct {
	*apptest.IDP
	authority *certstest.Authority // of its certificate and of its clients'
	address   string               // of the first listener
	aliases   string               // the public URL of the second
}

// startMutual runs it with that clients file, "" for the shipped one, and settings.
func startMutual(t *testing.T, clients string, settings ...string) mutual {
	t.Helper()
	folder, authority := t.TempDir(), certstest.New(t)
	return startMutualWith(t, folder, authority, certstest.Leaf{}, clients, settings...)
}

// startMutualWith is startMutual with a certificate of that kind, and its files in folder.
func startMutualWith(t *testing.T, folder string, authority *certstest.Authority, leaf certstest.Leaf, clients string, settings ...string) mutual {
	t.Helper()
	certificate, key := authority.Write(t, folder, leaf)
	first, second := programtest.Listen(t), programtest.Listen(t)
	aliases := "https://localhost:" + programtest.Port(second)
	idp := apptest.Start(t, apptest.Options{Listener: first, Mutual: second, Clients: clients, Settings: append(settings,
		"TEGATA_IDP_PUBLIC_URL=https://localhost:"+programtest.Port(first),
		"TEGATA_IDP_TLS_CERTIFICATE_FILE="+certificate, "TEGATA_IDP_TLS_KEY_FILE="+key, "TEGATA_IDP_TLS_CLIENT_CERTIFICATES=request",
		"TEGATA_IDP_TLS_MTLS_LISTEN="+second.Addr().String(), "TEGATA_IDP_TLS_MTLS_PUBLIC_URL="+aliases,
		"TEGATA_IDP_TLS_CLIENT_CA_FILE="+authority.File(t, folder))})
	return mutual{idp, authority, first.Addr().String(), aliases}
}

// aliasAddress is where clients show certificates.
func (m mutual) aliasAddress() string { return strings.TrimPrefix(m.aliases, "https://") }
