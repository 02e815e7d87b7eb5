package login

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// How long certificates of a LocalCA last.
const (
	caLife     = 3652 * 24 * time.Hour // ten years
	serverLife = 397 * 24 * time.Hour  // the most that clients take
	backdated  = time.Hour             // for clients whose clocks are behind
)

// Files of an Authority in its directory.
const (
	caFile     = "ca.pem"     // key and certificate of the CA
	caPublic   = "ca.crt"     // its certificate, to be given to clients
	serverFile = "server.pem" // key and certificate of the server
)

// Authority is a CA of this server's own: for those who have no other. It can
// sign for certain hosts only, so that clients risk little by trusting it.
type Authority struct {
	dir  string
	now  func() time.Time
	rand io.Reader
	cert *x509.Certificate
	key  crypto.Signer

	mu     sync.Mutex
	served *tls.Certificate
}

// LocalCA returns the CA in dir and makes one when there is none: an ECDSA key
// on P-256 and a certificate for ten years, constrained to hosts, which are
// DNS names and IP addresses. Only the owner may read the key; one that others
// could have read is an error, and so is a CA that is over or that may not sign
// for one of the hosts. Serial numbers come from rand.
func LocalCA(dir string, hosts []string, now func() time.Time, rand io.Reader) (*Authority, error) {
	names, addrs, err := split(hosts)
	if err != nil {
		return nil, err
	}
	a := &Authority{dir: dir, now: now, rand: rand}
	file := filepath.Join(dir, caFile)
	a.cert, a.key, err = readPair(file)
	if errors.Is(err, os.ErrNotExist) {
		if err := a.make(file, names, addrs); err != nil {
			return nil, fmt.Errorf("cannot make a CA in %s: %w", dir, err)
		}
		// Whoever was first has made the one that counts.
		a.cert, a.key, err = readPair(file)
	}
	if err != nil {
		return nil, err
	}
	switch {
	case !a.cert.IsCA:
		return nil, fmt.Errorf("cannot use %s: its certificate is not of a CA", file)
	case now().After(a.cert.NotAfter):
		return nil, fmt.Errorf("cannot use %s: it expired on %s; remove it to get a new CA, and give clients the new %s", file, a.cert.NotAfter.Format(time.DateOnly), caPublic)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
	public := filepath.Join(dir, caPublic)
	if old, err := os.ReadFile(public); err != nil || !bytes.Equal(old, text) {
		if err := replace(public, text, 0o644); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// make makes the CA, unless somebody else just did.
func (a *Authority) make(file string, names []string, addrs []netip.Addr) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), a.rand)
	if err != nil {
		return err
	}
	serial, err := a.serial()
	if err != nil {
		return err
	}
	cert := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Sutler CA " + serial.Text(16)[:8]},
		NotBefore: a.now().Add(-backdated), NotAfter: a.now().Add(caLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		PermittedDNSDomainsCritical: true, PermittedDNSDomains: names,
	}
	// A kind of name without a constraint would be free, so each has one.
	if len(names) == 0 {
		cert.PermittedDNSDomains = []string{"invalid"}
	}
	for _, addr := range addrs {
		ip := net.IP(addr.AsSlice())
		cert.PermittedIPRanges = append(cert.PermittedIPRanges, &net.IPNet{IP: ip, Mask: net.CIDRMask(8*len(ip), 8*len(ip))})
	}
	for _, is := range []func(netip.Addr) bool{netip.Addr.Is4, netip.Addr.Is6} {
		if !slices.ContainsFunc(addrs, is) {
			size := 4
			if is(netip.IPv6Unspecified()) {
				size = 16
			}
			cert.ExcludedIPRanges = append(cert.ExcludedIPRanges, &net.IPNet{IP: make(net.IP, size), Mask: make(net.IPMask, size)})
		}
	}
	der, err := x509.CreateCertificate(a.rand, cert, cert, key.Public(), key)
	if err != nil {
		return err
	}
	pair, err := encodePair(key, der)
	if err != nil {
		return err
	}
	return create(file, pair)
}

// Source returns a certificate of the CA for hosts. It is kept in the
// directory and made anew when less than a third of its life is left, and
// when hosts or the CA are others. If that fails, the one of before serves
// until it expires; report, if not nil, gets the error at each handshake.
func (a *Authority) Source(hosts []string, report func(error)) (CertificateSource, error) {
	names, addrs, err := split(hosts)
	if err != nil {
		return nil, err
	}
	source := func() (*tls.Certificate, error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		err := a.renew(names, addrs)
		if err != nil && a.served != nil && a.left(a.served.Leaf, names, addrs) > 0 {
			if report != nil {
				report(err)
			}
			return a.served, nil
		}
		return a.served, err
	}
	_, err = source()
	return source, err
}

// renew makes served a certificate with at least a third of its life left.
func (a *Authority) renew(names []string, addrs []netip.Addr) error {
	fresh := func(c *tls.Certificate) bool {
		return c != nil && a.left(c.Leaf, names, addrs) >= c.Leaf.NotAfter.Sub(c.Leaf.NotBefore)/3
	}
	if fresh(a.served) {
		return nil
	}
	file := filepath.Join(a.dir, serverFile)
	if err := a.load(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if fresh(a.served) {
		return nil
	}
	if err := a.sign(file, names, addrs); err != nil {
		return fmt.Errorf("cannot make a certificate for %s: %w", strings.Join(append(slices.Clone(names), texts(addrs)...), ", "), err)
	}
	return a.load(file)
}

// load reads the certificate in file.
func (a *Authority) load(file string) error {
	cert, key, err := readPair(file)
	if err == nil {
		a.served = &tls.Certificate{Certificate: [][]byte{cert.Raw, a.cert.Raw}, PrivateKey: key, Leaf: cert}
	}
	return err
}

// left returns how long cert can still be shown for these hosts; nothing when
// it is not for them or not of this CA.
func (a *Authority) left(cert *x509.Certificate, names []string, addrs []netip.Addr) time.Duration {
	var has []string
	for _, ip := range cert.IPAddresses {
		addr, _ := netip.AddrFromSlice(ip)
		has = append(has, addr.Unmap().String())
	}
	if !slices.Equal(cert.DNSNames, names) || !slices.Equal(has, texts(addrs)) ||
		a.now().Before(cert.NotBefore) || cert.CheckSignatureFrom(a.cert) != nil {
		return 0
	}
	return cert.NotAfter.Sub(a.now())
}

// sign makes a key and a certificate for a server.
func (a *Authority) sign(file string, names []string, addrs []netip.Addr) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), a.rand)
	if err != nil {
		return err
	}
	serial, err := a.serial()
	if err != nil {
		return err
	}
	start := a.now().Add(-backdated)
	end := start.Add(serverLife)
	if end.After(a.cert.NotAfter) {
		end = a.cert.NotAfter
	}
	cert := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "sutler"},
		NotBefore: start, NotAfter: end, DNSNames: names, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, addr := range addrs {
		cert.IPAddresses = append(cert.IPAddresses, addr.AsSlice())
	}
	der, err := x509.CreateCertificate(a.rand, cert, a.cert, key.Public(), a.key)
	if err != nil {
		return err
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	if _, err := made.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: a.now()}); err != nil {
		return fmt.Errorf("the CA in %s may not sign it: %w; remove %s to get a new CA, and give clients the new %s", a.dir, err, caFile, caPublic)
	}
	pair, err := encodePair(key, der)
	if err != nil {
		return err
	}
	return replace(file, pair, 0o600)
}

// serial returns a positive number of 127 random bits.
func (a *Authority) serial() (*big.Int, error) {
	b := make([]byte, 16)
	if _, err := io.ReadFull(a.rand, b); err != nil {
		return nil, err
	}
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b), nil
}
