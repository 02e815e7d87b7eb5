package client

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sutler"
)

// The files in which a server leaves what its clients need, in its data directory.
const (
	TokenFile   = "client.token"
	AddressFile = "client.address"
)

// DefaultAddress is where a server listens that was told nothing else.
const DefaultAddress = "127.0.0.1:7070"

// Options say how to find a server, and the proof of who calls: an account with
// its password, or a certificate, else a token. Empty fields are looked for in Data.
type Options struct {
	Address string // host:port, or https://host:port
	Token   string // of the data directory, or of an OpenID issuer
	Data    string // the server's data directory

	User, Password    string // a local account
	CertFile, KeyFile string // a client certificate and its key, PEM; https alone
	CAFile            string // certificates of authorities to trust, PEM; "" is that of the server in Data, and those of the system
}

// New returns a client for the server that o describes. Nothing is sent yet.
// An error says which file could not be read. No proof goes to another host
// without TLS, nor the token of Data to a server that is not the one of Data:
// both are refused with code Denied.
func New(o Options) (*Client, error) {
	base, own, err := o.base()
	if err != nil {
		return nil, err
	}
	if base.Scheme == "http" && !OnLoopback(base.Host) {
		return nil, sutler.Errorf(sutler.Denied, "cannot talk to %s without TLS: others could read the proof of who calls; say https://%s", base.Host, base.Host)
	}
	conf, err := o.tls(base.Scheme)
	if err != nil {
		return nil, err
	}
	proof, err := o.proof(own || OnLoopback(base.Host))
	if err != nil {
		return nil, err
	}
	return &Client{
		base:  base,
		proof: proof,
		http: &http.Client{
			// No proxy: the token is for the server alone.
			Transport: &http.Transport{
				DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
				MaxIdleConnsPerHost: 64,
				IdleConnTimeout:     90 * time.Second,
				TLSClientConfig:     conf,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// base returns where the server is, and whether it is the one of Data.
func (o *Options) base() (at url.URL, own bool, err error) {
	address := o.Address
	if address == "" {
		own = true
		b, err := os.ReadFile(filepath.Join(o.Data, AddressFile))
		switch {
		case err == nil:
			address = strings.TrimSpace(string(b))
		case errors.Is(err, os.ErrNotExist):
			address = DefaultAddress
		default:
			return at, false, fmt.Errorf("cannot find the server: %w", err)
		}
	}
	at.Scheme, at.Host = "http", address
	if host, secure := strings.CutPrefix(address, "https://"); secure {
		at.Scheme, at.Host = "https", strings.TrimSuffix(host, "/")
	}
	if _, _, err := net.SplitHostPort(at.Host); err != nil {
		return at, false, sutler.Errorf(sutler.BadInput, "cannot use address %q: want host:port, or https://host:port", address)
	}
	return at, own, nil
}

// OnLoopback reports whether host:port can be reached from this host alone.
func OnLoopback(hostPort string) bool {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}

// proof returns the header Authorization; near says whether the token of Data
// may be sent.
func (o *Options) proof(near bool) (string, error) {
	switch {
	case o.User != "" && o.CertFile != "":
		return "", sutler.Errorf(sutler.BadInput, "cannot log in as %q and with a certificate at once", o.User)
	case o.User != "":
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(o.User+":"+o.Password)), nil
	case o.CertFile != "":
		return "", nil
	case o.Token != "":
		return "Bearer " + o.Token, nil
	case !near:
		return "", sutler.Errorf(sutler.Denied, "cannot prove who calls: the token in %q is for the server of that directory alone; log in with --user, a certificate, or a token in SUTLER_TOKEN", o.Data)
	}
	b, err := os.ReadFile(filepath.Join(o.Data, TokenFile))
	if err != nil {
		return "", fmt.Errorf("cannot find the token of the server: %w; name its data directory with --data, or the token with SUTLER_TOKEN", err)
	}
	return "Bearer " + strings.TrimSpace(string(b)), nil
}

// tls says whom the client trusts, and with which certificate it shows who calls.
func (o *Options) tls(scheme string) (*tls.Config, error) {
	trust, err := o.authorities()
	if err != nil {
		return nil, err
	}
	conf := &tls.Config{RootCAs: trust, MinVersion: tls.VersionTLS12}
	switch {
	case o.CertFile == "" && o.KeyFile == "":
		return conf, nil
	case o.CertFile == "" || o.KeyFile == "":
		return nil, sutler.Errorf(sutler.BadInput, "cannot use a client certificate: --cert and --key go together")
	case scheme != "https":
		return nil, sutler.Errorf(sutler.BadInput, "cannot show a client certificate without TLS; say https:// in the address")
	}
	pair, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
	if err != nil {
		return nil, sutler.Errorf(sutler.BadInput, "cannot use the client certificate %s: %w", o.CertFile, err)
	}
	// Whatever authorities the server names: it says better what is wrong.
	conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	return conf, nil
}

// authorities returns whose certificates of servers are believed, nil for
// those of the system alone.
func (o *Options) authorities() (*x509.CertPool, error) {
	file := o.CAFile
	if file == "" {
		file = filepath.Join(o.Data, "tls", "ca.crt")
	}
	pem, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) && o.CAFile == "" {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the certificates of authorities: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, sutler.Errorf(sutler.BadInput, "cannot use %s: there is no certificate in it", file)
	}
	return pool, nil
}
