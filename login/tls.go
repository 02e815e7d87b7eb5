package login

import (
	"crypto/tls"
	"crypto/x509"
)

// ServerTLS returns the settings of a server: TLS 1.3, or 1.2 for clients that
// cannot do better. With clientCAs it asks for client certificates and names
// those whose it believes; whether one is good Certificates finds out.
func ServerTLS(source CertificateSource, clientCAs func() (*x509.CertPool, error)) *tls.Config {
	c := &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return source() },
	}
	if clientCAs == nil {
		return c
	}
	c.ClientAuth = tls.RequestClientCert
	c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		// The names are a hint. Without them a client may still choose.
		pool, err := clientCAs()
		if err != nil {
			pool = nil
		}
		named := c.Clone()
		named.GetConfigForClient = nil
		named.ClientCAs = pool
		// A ticket would be of the clone alone, and a session resumed later
		// would keep a certificate: let every connection prove it anew.
		named.SessionTicketsDisabled = true
		return named, nil
	}
	return c
}
