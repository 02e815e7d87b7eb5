package login_test

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"sutler/login"
)

var hosts = []string{"Sutler.example.org", "127.0.0.1", "::1", "localhost"}

// authority makes or opens the CA in dir.
func authority(t *testing.T, dir string, hosts []string, c *clock) *login.Authority {
	t.Helper()
	a, err := login.LocalCA(dir, hosts, c.now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// leaf returns the certificate that a shows for hosts.
func leaf(t *testing.T, a *login.Authority, hosts []string) *x509.Certificate {
	t.Helper()
	source, err := a.Source(hosts, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := source()
	if err != nil {
		t.Fatal(err)
	}
	return c.Leaf
}

// caOf returns the file of dir that clients are given to trust the CA.
func caOf(t *testing.T, dir string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestLocalCA(t *testing.T) {
	dir, c := t.TempDir(), newClock(noon)
	a := authority(t, dir, hosts, c)
	public := caOf(t, dir)
	block, _ := pem.Decode(public)
	ca, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if !ca.IsCA || !ca.MaxPathLenZero || !ca.PermittedDNSDomainsCritical || ca.PublicKeyAlgorithm != x509.ECDSA {
		t.Errorf("the CA is %+v", ca)
	}
	if y := ca.NotAfter.Year(); y != noon.Year()+10 {
		t.Errorf("the CA lasts until %s", ca.NotAfter)
	}
	cert := leaf(t, a, hosts)
	if life := cert.NotAfter.Sub(cert.NotBefore); life > 397*24*time.Hour || life < 390*24*time.Hour {
		t.Errorf("a certificate lives for %s", life)
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	for _, h := range hosts {
		if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: noon, DNSName: h}); err != nil {
			t.Errorf("%s: %v", h, err)
		}
	}
	for _, name := range []string{"ca.pem", "server.pem"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", name, info.Mode().Perm())
		}
	}
	if bytes.Contains(public, []byte("PRIVATE")) {
		t.Errorf("ca.crt: %s", public)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Errorf("the directory has %v", entries)
	}
	// A second start finds all of it.
	b := authority(t, dir, hosts, c)
	if !bytes.Equal(public, caOf(t, dir)) || !leaf(t, b, hosts).Equal(cert) {
		t.Error("the CA or the certificate has changed")
	}
}

// The CA cannot sign for a host that it was not made for, of whatever kind.
func TestLocalCAConstrained(t *testing.T) {
	for _, c := range []struct{ made, asked []string }{
		{[]string{"sutler.example.org"}, []string{"bank.example"}},
		{[]string{"sutler.example.org"}, []string{"example.org"}},
		{[]string{"sutler.example.org"}, []string{"192.0.2.1"}},
		{[]string{"sutler.example.org"}, []string{"2001:db8::1"}},
		{[]string{"192.0.2.1"}, []string{"192.0.2.2"}},
		{[]string{"192.0.2.1"}, []string{"2001:db8::1"}},
		{[]string{"2001:db8::1"}, []string{"192.0.2.1"}},
		{[]string{"192.0.2.1"}, []string{"bank.example"}},
		{[]string{"a.example", "192.0.2.1"}, []string{"a.example", "b.example"}},
	} {
		a := authority(t, t.TempDir(), c.made, newClock(noon))
		if _, err := a.Source(c.asked, nil); err == nil || !strings.Contains(err.Error(), "may not sign") {
			t.Errorf("a CA for %q signs for %q: %v", c.made, c.asked, err)
		}
		if _, err := a.Source(c.made, nil); err != nil {
			t.Errorf("a CA for %q does not sign for them: %v", c.made, err)
		}
	}
	for _, bad := range [][]string{nil, {""}, {"*.example.org"}, {"a..b"}, {"a b"}, {"http://x"}, {"x:80"}, {"-a.example"}, {"fe80::1%eth0"}, {strings.Repeat("a", 64)}} {
		if _, err := login.LocalCA(t.TempDir(), bad, newClock(noon).now, rand.Reader); err == nil {
			t.Errorf("a CA for %q", bad)
		}
	}
}

func TestLocalCARenews(t *testing.T) {
	dir, c := t.TempDir(), newClock(noon)
	a := authority(t, dir, hosts, c)
	source, err := a.Source(hosts, nil)
	if err != nil {
		t.Fatal(err)
	}
	show := func() *x509.Certificate {
		t.Helper()
		got, err := source()
		if err != nil {
			t.Fatal(err)
		}
		return got.Leaf
	}
	first := show()
	third := first.NotAfter.Sub(first.NotBefore) / 3
	c.set(first.NotAfter.Add(-third))
	if !show().Equal(first) {
		t.Error("renewed with a third left")
	}
	c.add(time.Second)
	second := show()
	if second.Equal(first) || !second.NotAfter.After(first.NotAfter) {
		t.Errorf("not renewed: until %s", second.NotAfter)
	}
	if !leaf(t, authority(t, dir, hosts, c), hosts).Equal(second) {
		t.Error("the new one is not kept")
	}
	if fewer := leaf(t, a, hosts[1:]); len(fewer.DNSNames) != 1 {
		t.Errorf("for fewer hosts: %v", fewer.DNSNames)
	}
	// The last certificate ends with the CA; after that there is nothing to show.
	c.set(noon.AddDate(9, 11, 0))
	last := show()
	if ends := noon.AddDate(10, 0, 1); last.NotAfter.After(ends) {
		t.Errorf("a certificate until %s outlives its CA", last.NotAfter)
	}
	c.set(noon.AddDate(10, 1, 0))
	if _, err := login.LocalCA(dir, hosts, c.now, rand.Reader); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("a CA that is over: %v", err)
	}
	if _, err := source(); err == nil {
		t.Error("a certificate of a CA that is over")
	}
}

// A certificate that cannot be renewed serves until its end.
func TestLocalCACannotRenew(t *testing.T) {
	dir, c := filepath.Join(t.TempDir(), "tls"), newClock(noon)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	var reported []error
	source, err := authority(t, dir, hosts, c).Source(hosts, func(err error) { reported = append(reported, err) })
	if err != nil {
		t.Fatal(err)
	}
	first, err := source()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	c.set(first.Leaf.NotAfter.Add(-time.Hour))
	if got, err := source(); err != nil || got != first || len(reported) != 1 {
		t.Errorf("got %v, %v, reported %v", got, err, reported)
	}
	c.add(2 * time.Hour)
	if _, err := source(); err == nil {
		t.Error("an expired certificate is shown")
	}
}

func TestLocalCABroken(t *testing.T) {
	for name, breaks := range map[string]func(t *testing.T, file string){
		"others may read it": func(t *testing.T, file string) {
			if runtime.GOOS == "windows" {
				write(t, file, "no modes here")
			} else if err := os.Chmod(file, 0o640); err != nil {
				t.Fatal(err)
			}
		},
		"rubbish": func(t *testing.T, file string) { write(t, file, "rubbish") },
		"empty":   func(t *testing.T, file string) { write(t, file, "") },
		"key of another one": func(t *testing.T, file string) {
			dir := t.TempDir()
			authority(t, dir, hosts, newClock(noon))
			b, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
			if err != nil {
				t.Fatal(err)
			}
			own, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, cert := pem.Decode(own)
			key, _ := pem.Decode(b)
			write(t, file, string(pem.EncodeToMemory(key))+string(cert))
		},
	} {
		dir := t.TempDir()
		authority(t, dir, hosts, newClock(noon))
		file := filepath.Join(dir, "ca.pem")
		breaks(t, file)
		before, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := login.LocalCA(dir, hosts, newClock(noon).now, rand.Reader); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", name, err)
		}
		if after, err := os.ReadFile(file); err != nil || !bytes.Equal(before, after) {
			t.Errorf("%s: the file was overwritten", name)
		}
	}
}

// serve answers TLS handshakes and returns the address.
func serve(t *testing.T, c *tls.Config) string {
	t.Helper()
	ln, err := tls.Listen("tcp", "127.0.0.1:0", c)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_ = conn.(*tls.Conn).Handshake()
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = ln.Close(); <-done })
	return ln.Addr().String()
}

// shake returns the state of a handshake of a client of that version.
func shake(t *testing.T, addr string, version uint16) (tls.ConnectionState, error) {
	t.Helper()
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = raw.Close() }()
	c := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: version})
	err = c.Handshake()
	return c.ConnectionState(), err
}

func TestServerTLS(t *testing.T) {
	a := authority(t, t.TempDir(), hosts, newClock(time.Now()))
	source, err := a.Source(hosts, nil)
	if err != nil {
		t.Fatal(err)
	}
	addr := serve(t, login.ServerTLS(source, nil))
	for version, ok := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		if s, err := shake(t, addr, version); (err == nil) != ok || ok && s.Version != version {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
}

// Certificates that are replaced on disk are shown from then on; half a
// replacement changes nothing.
func TestCertificateFiles(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	put := func(file string, content []byte, at time.Time) {
		t.Helper()
		write(t, file, string(content))
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
	}
	pair := func() (c, k []byte) {
		t.Helper()
		made := newOffice(t, "server")
		der, err := x509.MarshalPKCS8PrivateKey(made.key)
		if err != nil {
			t.Fatal(err)
		}
		return []byte(pemOf(made.cert)), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}
	c1, k1 := pair()
	c2, k2 := pair()
	put(cert, c1, noon)
	put(key, k1, noon)
	reported := make(chan error, 10)
	addr := serve(t, login.ServerTLS(login.CertificateFiles(cert, key, func(err error) { reported <- err }), nil))
	shown := func() string {
		t.Helper()
		s, err := shake(t, addr, tls.VersionTLS13)
		if err != nil {
			t.Fatal(err)
		}
		return pemOf(s.PeerCertificates[0])
	}
	if shown() != string(c1) {
		t.Error("not the certificate in the file")
	}
	put(cert, c2, noon.Add(time.Second))
	if shown() != string(c1) || len(reported) != 1 {
		t.Errorf("half a replacement counts, with %d reports", len(reported))
	}
	put(key, k2, noon.Add(time.Second))
	if shown() != string(c2) || len(reported) != 1 {
		t.Error("the new certificate is not shown")
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if shown() != string(c2) || len(reported) != 2 {
		t.Error("without a file the certificate of before is gone")
	}
	if _, err := login.CertificateFiles(cert, key, nil)(); err == nil {
		t.Error("a certificate without a key from the start")
	}
}
