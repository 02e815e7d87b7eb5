package login

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync"
	"time"
)

// watched is a value made of files, made anew when one of them has changed.
type watched[T any] struct {
	files []string
	parse func(contents [][]byte) (T, error)

	mu     sync.Mutex
	stamps []stamp
	value  T
	err    error
}

// stamp tells one state of a file from another.
type stamp struct {
	at   time.Time
	size int64
}

// get returns the value of the files as they are. After a change that cannot
// be read it returns the error, and with it the value of before.
func (w *watched[T]) get() (T, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := make([]stamp, len(w.files))
	changed := w.stamps == nil
	for i, f := range w.files {
		info, err := os.Stat(f)
		if err != nil {
			return w.value, fmt.Errorf("cannot read %s: %w", f, err)
		}
		now[i] = stamp{info.ModTime(), info.Size()}
		changed = changed || now[i] != w.stamps[i]
	}
	if !changed {
		return w.value, w.err
	}
	contents := make([][]byte, len(w.files))
	for i, f := range w.files {
		var err error
		if contents[i], err = os.ReadFile(f); err != nil {
			return w.value, fmt.Errorf("cannot read %s: %w", f, err)
		}
	}
	w.stamps = now
	v, err := w.parse(contents)
	if w.err = err; err == nil {
		w.value = v
	}
	return w.value, w.err
}

// Pool returns the certificates in a file of PEM, read anew when it changes;
// while it cannot be read nobody is believed.
func Pool(file string) func() (*x509.CertPool, error) {
	w := &watched[*x509.CertPool]{files: []string{file}, parse: func(c [][]byte) (*x509.CertPool, error) {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(c[0]) {
			return nil, fmt.Errorf("cannot read %s: it has no certificate in PEM", file)
		}
		return pool, nil
	}}
	return strict(w)
}

// Revoked returns the serial numbers in a file, as ParseSerials reads them,
// anew when it changes; while it cannot be read nobody is believed.
func Revoked(file string) func() (Serials, error) {
	w := &watched[Serials]{files: []string{file}, parse: func(c [][]byte) (Serials, error) {
		s, err := ParseSerials(string(c[0]))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		return s, nil
	}}
	return strict(w)
}

// strict gives no value with an error.
func strict[T any](w *watched[T]) func() (T, error) {
	return func() (T, error) {
		v, err := w.get()
		if err != nil {
			var none T
			return none, err
		}
		return v, nil
	}
}

// CertificateSource returns the certificate that a server shows, now.
type CertificateSource func() (*tls.Certificate, error)

// CertificateFiles returns a certificate with its chain and its key, read anew
// when the files change. While they cannot be read, for instance when only one
// of them has been replaced yet, the one of before stays; report, if not nil,
// gets the error at each handshake.
func CertificateFiles(certFile, keyFile string, report func(error)) CertificateSource {
	w := &watched[*tls.Certificate]{files: []string{certFile, keyFile}, parse: func(c [][]byte) (*tls.Certificate, error) {
		pair, err := tls.X509KeyPair(c[0], c[1])
		if err != nil {
			return nil, fmt.Errorf("cannot use %s with %s: %w", certFile, keyFile, err)
		}
		return &pair, nil
	}}
	return func() (*tls.Certificate, error) {
		pair, err := w.get()
		if err != nil && pair != nil {
			if report != nil {
				report(err)
			}
			return pair, nil
		}
		return pair, err
	}
}
