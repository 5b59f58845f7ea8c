package certs

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Unlisted gives an error for each authority of one file that can certify clients at now
// and of which the other file has no list that it signed, so that none of its clients can
// prove itself. How old lists are does not matter. The second error is a *Mistake: one of
// the files cannot be used.
func Unlisted(authorities, lists string, now time.Time) ([]error, error) {
	b, err := readFile(authorities, readBelieved)
	if err != nil {
		return nil, err
	}
	l, err := readFile(lists, readRevocations)
	if err != nil {
		return nil, err
	}
	var all []error
	for _, c := range b.each {
		if err := l.lacks(c, now); err != nil {
			all = append(all, fmt.Errorf("no list of revoked certificates counts for the authority %s: %w", named(c), err))
		}
	}
	return all, nil
}

// named tells authorities of one name apart.
func named(c *x509.Certificate) string {
	return fmt.Sprintf("%s (serial number %x)", c.Subject, c.SerialNumber)
}

// Why an authority has no list that counts, whatever their age.
var (
	errNoRight    = errors.New("its certificate does not let it sign lists (key usage cRLSign)")
	errNoneOfName = errors.New("there is none in its name")
	errOtherKey   = errors.New("those in its name were not signed with its key")
)

// lacks tells why no list of the authority counts; nil when there is one, or when the
// certificate issues nothing at now, so that there is no need of one.
func (l revocations) lacks(authority *x509.Certificate, now time.Time) error {
	if !issues(authority) || now.Before(authority.NotBefore) || now.After(authority.NotAfter) {
		return nil
	}
	ofName := l[string(authority.RawSubject)]
	switch {
	case slices.ContainsFunc(ofName, func(one *revocation) bool { return one.by(authority) }):
		return nil
	case authority.KeyUsage != 0 && authority.KeyUsage&x509.KeyUsageCRLSign == 0:
		return errNoRight
	case len(ofName) == 0:
		return errNoneOfName
	}
	return errOtherKey
}

// issues tells whether others verify with the certificate. One that does not is there for
// itself alone, and is on nobody's list. RFC 5280 §4.2.1.3, §4.2.1.9
func issues(c *x509.Certificate) bool {
	if c.Version == 3 && !c.BasicConstraintsValid || c.BasicConstraintsValid && !c.IsCA {
		return false
	}
	return c.KeyUsage == 0 || c.KeyUsage&x509.KeyUsageCertSign != 0
}

// tell logs each authority without a list, and each whose newest list is too old; what was
// told already is told again after an hour. Lists of authorities between those of
// the file and a client are looked at for their age alone.
func (r *Revoked) tell(lists *revocations, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	told := map[string]time.Time{}
	say := func(key, message string, attrs ...any) {
		at, before := r.told[key]
		if told[key] = at; !before || time.Since(at) >= tellAgain {
			told[key] = time.Now()
			r.Log.Error(message, append([]any{"file", r.File}, attrs...)...)
		}
	}
	for _, c := range r.Authorities.all() {
		if err := lists.lacks(c, now); err != nil {
			say(string(c.Raw)+err.Error(), "no list of revoked certificates counts for an authority: none of its clients can prove itself",
				"authority", named(c), "cause", err)
		}
	}
	for _, ofName := range *lists {
		for _, one := range ofName {
			if !now.Before(one.list.NextUpdate) && !slices.ContainsFunc(ofName, one.before) {
				say(string(one.list.RawIssuer)+string(one.list.AuthorityKeyId), "a list of revoked certificates is too old: until there is a newer one, no client of its authority can prove itself",
					"authority", one.list.Issuer.String(), "next_update", one.list.NextUpdate)
			}
		}
	}
	r.told = told
}

// before tells whether o, a list of the same name, says that the same key signed it, and
// counts longer. RFC 5280 §5.2.1
func (r *revocation) before(o *revocation) bool {
	return bytes.Equal(r.list.AuthorityKeyId, o.list.AuthorityKeyId) && r.list.NextUpdate.Before(o.list.NextUpdate)
}
