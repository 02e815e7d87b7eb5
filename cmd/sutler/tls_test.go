package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"sutler/client"
)

// addressOf DATA NAME sets environment variables to the address of the server
// of a data directory, and PORT to its port.
func addressOf(ts *testscript.TestScript, neg bool, args []string) {
	b, err := os.ReadFile(filepath.Join(ts.MkAbs(args[0]), client.AddressFile))
	ts.Check(err)
	address := strings.TrimSpace(string(b))
	_, port, err := net.SplitHostPort(strings.TrimPrefix(address, "https://"))
	ts.Check(err)
	ts.Setenv(args[1], address)
	ts.Setenv("PORT", port)
}

// clientCertificates DIR makes an authority of clients, ca.crt, and ann.crt and
// eve.crt with their keys; that of eve is of an authority of its own.
func clientCertificates(ts *testscript.TestScript, neg bool, args []string) {
	dir := ts.MkAbs(args[0])
	ts.Check(os.Mkdir(dir, 0o700))
	now := time.Now()
	make := func(name string, ca bool, parent *x509.Certificate, by *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		ts.Check(err)
		c := &x509.Certificate{
			SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		}
		if ca {
			c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
		}
		if parent == nil {
			parent, by = c, key
		}
		der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), by)
		ts.Check(err)
		made, err := x509.ParseCertificate(der)
		ts.Check(err)
		secret, err := x509.MarshalPKCS8PrivateKey(key)
		ts.Check(err)
		for file, block := range map[string]*pem.Block{
			name + ".crt": {Type: "CERTIFICATE", Bytes: der}, name + ".key": {Type: "PRIVATE KEY", Bytes: secret},
		} {
			ts.Check(os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600))
		}
		return made, key
	}
	ca, key := make("ca", true, nil, nil)
	make("ann", false, ca, key)
	other, key := make("other", true, nil, nil)
	make("eve", false, other, key)
}
