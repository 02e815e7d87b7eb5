package login_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sutler"
	"sutler/login"
)

// office is a CA that makes client certificates.
type office struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	next int64
}

func newOffice(t *testing.T, name string) *office {
	t.Helper()
	o := &office{next: 1000}
	o.cert, o.key = o.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	return o
}

// sign makes a certificate that is valid around noon unless it says otherwise.
func (o *office) sign(t *testing.T, c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	o.next++
	c.SerialNumber = big.NewInt(o.next)
	if c.NotAfter.IsZero() {
		c.NotBefore, c.NotAfter = noon.Add(-time.Hour), noon.Add(time.Hour)
	}
	parent, by := o.cert, o.key
	if parent == nil {
		parent, by = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return made, key
}

// client returns a certificate for a client with changes.
func (o *office) client(t *testing.T, change func(*x509.Certificate)) *tls.Certificate {
	t.Helper()
	c := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "ann", OrganizationalUnit: []string{"Operations", "Lunch"}},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(c)
	}
	made, key := o.sign(t, c)
	return &tls.Certificate{Certificate: [][]byte{made.Raw}, PrivateKey: key, Leaf: made}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func pemOf(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

// counter is a server with TLS that tells holders of certificates who they are.
type counter struct {
	*httptest.Server
	dir  string
	last error // of the last request
}

func newCounter(t *testing.T, ca *office, change func(*login.CertificatesConfig)) *counter {
	t.Helper()
	k := &counter{dir: t.TempDir()}
	write(t, k.file("clients.pem"), pemOf(ca.cert))
	write(t, k.file("revoked.txt"), "# nobody\n")
	config := login.CertificatesConfig{
		CAs: login.Pool(k.file("clients.pem")), Revoked: login.Revoked(k.file("revoked.txt")), Now: newClock(noon).now,
		Groups: map[string][]string{"ann": {sutler.MPFTrustedUsers, sutler.MPFAdmins}}, Units: map[string]string{"Operations": sutler.MPFAdmins},
	}
	if change != nil {
		change(&config)
	}
	certs, err := login.NewCertificates(config)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := login.LocalCA(k.dir, []string{"127.0.0.1"}, time.Now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	source, err := ours.Source([]string{"127.0.0.1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	gate := &login.Gate{Chain: login.Chain{certs}}
	k.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, k.last = certs.Authenticate(r)
		if c, ok := gate.Admit(w, r); ok {
			_ = json.NewEncoder(w).Encode(c)
		}
	}))
	k.TLS = login.ServerTLS(source, config.CAs)
	k.StartTLS()
	t.Cleanup(k.Close)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(caOf(t, k.dir))
	k.Client().Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
	return k
}

func (k *counter) file(name string) string { return filepath.Join(k.dir, name) }

// ask asks on a new connection who the holder of cert is.
func (k *counter) ask(t *testing.T, cert *tls.Certificate) (sutler.Caller, int) {
	t.Helper()
	transport := k.Client().Transport.(*http.Transport).Clone()
	defer transport.CloseIdleConnections()
	if cert != nil {
		transport.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil }
	}
	resp, err := (&http.Client{Transport: transport}).Get(k.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var c sutler.Caller
	if resp.StatusCode == http.StatusOK {
		if err := json.Unmarshal(body, &c); err != nil {
			t.Fatal(err)
		}
	}
	return c, resp.StatusCode
}

func TestCertificate(t *testing.T) {
	ca := newOffice(t, "clients")
	k := newCounter(t, ca, nil)
	got, status := k.ask(t, ca.client(t, nil))
	want := sutler.Caller{Account: "certificate:ann", Groups: []string{sutler.MPFAdmins, sutler.MPFTrustedUsers}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%d %s", status, d)
	}
	if _, status := k.ask(t, nil); status != http.StatusUnauthorized || k.last != login.ErrNoProof {
		t.Errorf("without a certificate: %d %v", status, k.last)
	}
}

func TestCertificateRefused(t *testing.T) {
	ca, other := newOffice(t, "clients"), newOffice(t, "clients") // of the same name
	k := newCounter(t, ca, nil)
	middle, middleKey := ca.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "between"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	between := &office{cert: middle, key: middleKey, next: 5000}
	chained := between.client(t, nil)
	chained.Certificate = append(chained.Certificate, middle.Raw)
	if _, status := k.ask(t, chained); status != http.StatusOK {
		t.Errorf("by way of another CA: %d %v", status, k.last)
	}
	revoked := ca.client(t, nil)
	write(t, k.file("revoked.txt"), "# left\nserial="+strings.ToUpper(revoked.Leaf.SerialNumber.Text(16))+"\n"+middle.SerialNumber.Text(16)+" # stolen\n")
	for _, c := range []struct {
		name, reason string
		cert         *tls.Certificate
	}{
		{"expired", "expired", ca.client(t, func(c *x509.Certificate) { c.NotBefore, c.NotAfter = noon.Add(-2*time.Hour), noon.Add(-time.Second) })},
		{"not yet", "expired or is not yet valid", ca.client(t, func(c *x509.Certificate) { c.NotBefore, c.NotAfter = noon.Add(time.Second), noon.Add(time.Hour) })},
		{"other CA", "unknown authority", other.client(t, nil)},
		{"signed by itself", "unknown authority", (&office{}).client(t, nil)},
		{"for servers", "incompatible key usage", ca.client(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })},
		{"for nothing", "not made for clients", ca.client(t, func(c *x509.Certificate) { c.ExtKeyUsage = nil })},
		{"for any", "not made for clients", ca.client(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} })},
		{"revoked", "is revoked", revoked},
		{"of a revoked CA", "is revoked", chained},
		{"without a name", "no name", ca.client(t, func(c *x509.Certificate) { c.Subject = pkix.Name{Organization: []string{"x"}} })},
		{"name of two lines", "no name", ca.client(t, func(c *x509.Certificate) { c.Subject.CommonName = "ann\nroot" })},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, status := k.ask(t, c.cert)
			if reason := refused(t, got, k.last, "certificate"); status != http.StatusUnauthorized || !strings.Contains(reason, c.reason) {
				t.Errorf("%d for %q; want 401 for %q", status, reason, c.reason)
			}
		})
	}
	if _, status := k.ask(t, ca.client(t, nil)); status != http.StatusOK {
		t.Errorf("a good certificate beside revoked ones: %d %v", status, k.last)
	}
}

// Lists that cannot be read let nobody in and refuse nobody.
func TestCertificateLists(t *testing.T) {
	ca := newOffice(t, "clients")
	for _, file := range []string{"revoked.txt", "clients.pem"} {
		k := newCounter(t, ca, nil)
		cert := ca.client(t, nil)
		before, err := os.ReadFile(k.file(file))
		if err != nil {
			t.Fatal(err)
		}
		write(t, k.file(file), "not what it should be")
		var f *login.Refusal
		if _, status := k.ask(t, cert); status != http.StatusServiceUnavailable || errors.As(k.last, &f) {
			t.Errorf("%s of rubbish: %d %v", file, status, k.last)
		}
		if err := os.Remove(k.file(file)); err != nil {
			t.Fatal(err)
		}
		if _, status := k.ask(t, cert); status != http.StatusServiceUnavailable || !strings.Contains(k.last.Error(), file) {
			t.Errorf("no %s: %d %v", file, status, k.last)
		}
		write(t, k.file(file), string(before)+"\n")
		if _, status := k.ask(t, cert); status != http.StatusOK {
			t.Errorf("%s again: %d %v", file, status, k.last)
		}
	}
}

// altName returns an extension with a user principal name and an address.
func altName(t *testing.T, upn string) pkix.Extension {
	t.Helper()
	marshal := func(v any, params string) []byte {
		b, err := asn1.MarshalWithParams(v, params)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	wrap := func(tag int, compound bool, b []byte) asn1.RawValue {
		return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, IsCompound: compound, Bytes: b}
	}
	value := marshal(wrap(0, true, marshal(upn, "utf8")), "")
	other := append(marshal(asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 20, 2, 3}, ""), value...)
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: marshal([]asn1.RawValue{
		wrap(1, false, []byte("ann@mail.example")), wrap(0, true, other),
	}, "")}
}

func TestCertificateNames(t *testing.T) {
	ca := newOffice(t, "clients")
	all := func(c *x509.Certificate) { c.ExtraExtensions = []pkix.Extension{altName(t, "ann@corp.example")} }
	mail := func(c *x509.Certificate) { c.EmailAddresses = []string{"ann@mail.example", "root@mail.example"} }
	for _, c := range []struct {
		cert     func(*x509.Certificate)
		from     []string
		template string
		want     string
	}{
		{all, nil, "", "certificate:ann@corp.example"},
		{all, []string{"email"}, "", "certificate:ann@mail.example"},
		{all, []string{"cn", "upn"}, "", "certificate:ann"},
		{mail, nil, "", "certificate:ann@mail.example"},
		{mail, []string{"upn", "cn"}, "", "certificate:ann"},
		{all, nil, `{domain}\{user}`, `corp.example\ann`},
		{nil, nil, `{name}`, `ann`},
		{func(c *x509.Certificate) { c.Subject.CommonName = "boss" }, nil, "", `corp\boss`},
	} {
		k := newCounter(t, ca, func(f *login.CertificatesConfig) {
			f.From, f.Template, f.Accounts = c.from, c.template, map[string]string{"boss": `corp\boss`}
		})
		if got, status := k.ask(t, ca.client(t, c.cert)); got.Account != c.want {
			t.Errorf("from %q with %q: %d %q, want %q", c.from, c.template, status, got.Account, c.want)
		}
	}
	for name, change := range map[string]func(*login.CertificatesConfig){
		"no CAs":             func(c *login.CertificatesConfig) { c.CAs = nil },
		"no clock":           func(c *login.CertificatesConfig) { c.Now = nil },
		"unknown place":      func(c *login.CertificatesConfig) { c.From = []string{"serial"} },
		"same for everybody": func(c *login.CertificatesConfig) { c.Template = "{domain}" },
	} {
		c := login.CertificatesConfig{CAs: login.Pool("x"), Now: time.Now}
		change(&c)
		if _, err := login.NewCertificates(c); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestParseSerials(t *testing.T) {
	got, err := login.ParseSerials("# list\n\nserial=0A1B\n 0x0a:1c # two\r\nFF")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(login.Serials{"a1b": true, "a1c": true, "ff": true}, got); d != "" {
		t.Error(d)
	}
	for _, text := range []string{"xyz", "-1", "+1", "1_0", "0x", "serial=", "12 34", strings.Repeat("1", 65)} {
		if s, err := login.ParseSerials("1\n" + text); err == nil || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%q: %v %v", text, s, err)
		}
	}
}

// A list is read as it is written, or not at all.
func FuzzSerials(f *testing.F) {
	f.Add("serial=0A1B\n# x\n0x1:2")
	f.Add("00")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := login.ParseSerials(text)
		if err != nil {
			return
		}
		for n := range s {
			v, ok := new(big.Int).SetString(n, 16)
			if !ok || v.Sign() < 0 || !s.Has(v) {
				t.Errorf("%q has %q", text, n)
			}
		}
	})
}

// No subject alternative name upsets what reads user principal names.
func FuzzPrincipal(f *testing.F) {
	f.Add([]byte{0x30, 0})
	f.Add([]byte{0x30, 0x1f, 0xa0, 0x1d, 6, 10, 0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x14, 2, 3, 0xa0, 0xf, 0xc, 0xd, 'a', 'n', 'n', '@', 'c', 'o', 'r', 'p', '.', 't', 'e', 's', 't'})
	f.Fuzz(func(t *testing.T, der []byte) {
		name := login.Principal(der)
		if name != "" && !strings.Contains(string(der), name) {
			t.Errorf("%x names %q", der, name)
		}
	})
}
