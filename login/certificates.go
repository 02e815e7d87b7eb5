package login

import (
	"cmp"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"time"

	"sutler"
)

// Places of a certificate that a name can be taken from.
const (
	FromUPN   = "upn"   // subject alternative name: user principal name, as Active Directory writes it
	FromEmail = "email" // subject alternative name: the first email address
	FromCN    = "cn"    // common name of the subject
)

// CertificatesConfig says whose client certificates are believed and who they name.
type CertificatesConfig struct {
	// CAs returns who may have signed, now: see Pool.
	CAs func() (*x509.CertPool, error)
	// Revoked returns the serial numbers that are believed no more, now: see
	// Revoked. nil: none.
	Revoked func() (Serials, error)
	// From lists places by preference; none: upn, email, cn. The first that
	// a certificate has names its holder.
	From []string
	// Accounts maps names in certificates to names of accounts.
	Accounts map[string]string
	// Template makes an account of a name that is not in Accounts: {name} is
	// the name, {user} and {domain} are what stands before and after its @.
	// "": certificate:{name}, which no other kind of account is called.
	Template string
	// Groups maps names in certificates to groups of ours.
	Groups map[string][]string
	// Units maps organizational units in the subject to groups of ours.
	Units map[string]string
	Now   func() time.Time // required
}

// Certificates authenticates by client certificates: the TLS handshake proves
// who holds the key, this who that is. The server has to ask for them without
// checking them itself, as ServerTLS does, so that a wrong one is refused
// like any other proof.
type Certificates struct{ config CertificatesConfig }

// NewCertificates checks c.
func NewCertificates(c CertificatesConfig) (*Certificates, error) {
	if c.CAs == nil || c.Now == nil {
		return nil, errors.New("cannot believe client certificates without CAs and a clock")
	}
	if len(c.From) == 0 {
		c.From = []string{FromUPN, FromEmail, FromCN}
	}
	for _, from := range c.From {
		if from != FromUPN && from != FromEmail && from != FromCN {
			return nil, fmt.Errorf("cannot take names of client certificates from %q: want %s, %s or %s", from, FromUPN, FromEmail, FromCN)
		}
	}
	c.Template = cmp.Or(c.Template, "certificate:{name}")
	if !strings.Contains(c.Template, "{name}") && !strings.Contains(c.Template, "{user}") {
		return nil, fmt.Errorf("cannot use template %q: it has neither {name} nor {user}, so everybody would be the same", c.Template)
	}
	return &Certificates{c}, nil
}

// Authenticate returns whom the certificate of r's connection names.
func (c *Certificates) Authenticate(r *http.Request) (sutler.Caller, error) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return sutler.Caller{}, ErrNoProof
	}
	leaf := r.TLS.PeerCertificates[0]
	subject := leaf.Subject.String()
	roots, err := c.config.CAs()
	if err != nil {
		return sutler.Caller{}, fmt.Errorf("cannot read the CAs of client certificates: %w", err)
	}
	between := x509.NewCertPool()
	for _, ca := range r.TLS.PeerCertificates[1:] {
		between.AddCert(ca)
	}
	chains, err := leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: c.config.Now(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return sutler.Caller{}, refuse("certificate", subject, "%v", err)
	}
	// Go takes a certificate that does not say what it is for as good for all.
	if !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageClientAuth) {
		return sutler.Caller{}, refuse("certificate", subject, "the certificate is not made for clients")
	}
	if err := c.revoked(chains, subject); err != nil {
		return sutler.Caller{}, err
	}
	return c.caller(leaf, subject)
}

// revoked refuses a certificate of which every chain has a revoked member.
func (c *Certificates) revoked(chains [][]*x509.Certificate, subject string) error {
	if c.config.Revoked == nil {
		return nil
	}
	list, err := c.config.Revoked()
	if err != nil {
		return fmt.Errorf("cannot read the revoked client certificates: %w", err)
	}
	for _, chain := range chains {
		if !slices.ContainsFunc(chain, func(m *x509.Certificate) bool { return list.Has(m.SerialNumber) }) {
			return nil
		}
	}
	return refuse("certificate", subject, "the certificate with serial %x, or its CA, is revoked", chains[0][0].SerialNumber)
}

// caller returns the account and the groups of leaf's holder.
func (c *Certificates) caller(leaf *x509.Certificate, subject string) (sutler.Caller, error) {
	name := ""
	for _, from := range c.config.From {
		if name = nameFrom(leaf, from); name != "" {
			break
		}
	}
	if !printable(name) {
		return sutler.Caller{}, refuse("certificate", subject, "the certificate has no name that can be used: %q", bounded(name))
	}
	account, ok := c.config.Accounts[name]
	if !ok {
		user, domain, _ := strings.Cut(name, "@")
		account = strings.NewReplacer("{name}", name, "{user}", user, "{domain}", domain).Replace(c.config.Template)
	}
	groups := slices.Clone(c.config.Groups[name])
	for _, unit := range leaf.Subject.OrganizationalUnit {
		if g, ok := c.config.Units[unit]; ok {
			groups = append(groups, g)
		}
	}
	slices.Sort(groups)
	return sutler.Caller{Account: account, Groups: slices.Compact(groups)}, nil
}

// nameFrom returns what leaf has in that place, "" for nothing.
func nameFrom(leaf *x509.Certificate, from string) string {
	switch from {
	case FromUPN:
		for _, e := range leaf.Extensions {
			if e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 17}) {
				return principal(e.Value)
			}
		}
	case FromEmail:
		if len(leaf.EmailAddresses) > 0 {
			return leaf.EmailAddresses[0]
		}
	case FromCN:
		return leaf.Subject.CommonName
	}
	return ""
}

// principal returns the first user principal name in the DER of a subject
// alternative name: an otherName of type 1.3.6.1.4.1.311.20.2.3.
func principal(der []byte) string {
	var names []asn1.RawValue
	if rest, err := asn1.Unmarshal(der, &names); err != nil || len(rest) > 0 {
		return ""
	}
	for _, n := range names {
		if n.Class != asn1.ClassContextSpecific || n.Tag != 0 {
			continue
		}
		var id asn1.ObjectIdentifier
		rest, err := asn1.Unmarshal(n.Bytes, &id)
		if err != nil || !id.Equal(asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 20, 2, 3}) {
			continue
		}
		var value asn1.RawValue
		if rest, err := asn1.Unmarshal(rest, &value); err != nil || len(rest) > 0 || value.Class != asn1.ClassContextSpecific || value.Tag != 0 {
			return ""
		}
		var name string
		if rest, err := asn1.UnmarshalWithParams(value.Bytes, &name, "utf8"); err != nil || len(rest) > 0 {
			return ""
		}
		return name
	}
	return ""
}

// Serials are serial numbers of certificates.
type Serials map[string]bool

// Has reports whether n is among s.
func (s Serials) Has(n *big.Int) bool { return s[n.Text(16)] }

// ParseSerials reads a list of serial numbers: one a line, hexadecimal as
// openssl x509 -serial prints it, with or without serial=, 0x and colons; # to
// the end of the line is a comment.
func ParseSerials(text string) (Serials, error) {
	s := Serials{}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line, _, _ = strings.Cut(line, "#")
		line = strings.ToLower(strings.TrimSpace(line))
		if line == "" {
			continue
		}
		digits := strings.ReplaceAll(strings.TrimPrefix(strings.TrimPrefix(line, "serial="), "0x"), ":", "")
		n, ok := new(big.Int).SetString(digits, 16)
		if !ok || len(digits) > 64 || strings.ContainsAny(digits, "+-_") {
			return nil, sutler.Errorf(sutler.BadInput, "cannot read line %d of the revoked certificates: %q is no hexadecimal serial number", number, bounded(line))
		}
		s[n.Text(16)] = true
	}
	return s, nil
}
