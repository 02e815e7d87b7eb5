package login

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// split sorts hosts into DNS names, in lower case, and addresses.
func split(hosts []string) (names []string, addrs []netip.Addr, err error) {
	for _, h := range hosts {
		if a, err := netip.ParseAddr(h); err == nil && a.Zone() == "" {
			addrs = append(addrs, a.Unmap())
			continue
		}
		if !dnsName(h) {
			return nil, nil, fmt.Errorf("cannot make a certificate for %q: want a DNS name or an IP address", h)
		}
		names = append(names, strings.ToLower(h))
	}
	if len(hosts) == 0 {
		return nil, nil, errors.New("cannot make a certificate without a host")
	}
	slices.Sort(names)
	slices.SortFunc(addrs, netip.Addr.Compare)
	return slices.Compact(names), slices.Compact(addrs), nil
}

// dnsName reports whether s is the full name of one host.
func dnsName(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(strings.ToLower(label)) {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
				return false
			}
		}
	}
	return true
}

func texts(addrs []netip.Addr) []string {
	var s []string
	for _, a := range addrs {
		s = append(s, a.String())
	}
	return s
}

// encodePair returns key and certificate as PEM: one file, so that they change together.
func encodePair(key crypto.PrivateKey, der []byte) ([]byte, error) {
	k, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	out := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: k})
	return append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...), nil
}

// readPair reads what encodePair made. A key that others can read is an error.
func readPair(file string) (*x509.Certificate, crypto.Signer, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, nil, err
	}
	if p := info.Mode().Perm(); runtime.GOOS != "windows" && p&0o077 != 0 {
		return nil, nil, fmt.Errorf("cannot use %s: its mode %#o lets others read the key; say chmod 600, or remove it if somebody could have", file, p)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	keyBlock, rest := pem.Decode(b)
	certBlock, _ := pem.Decode(rest)
	if keyBlock == nil || certBlock == nil {
		return nil, nil, fmt.Errorf("cannot read %s: want a key and a certificate in PEM", file)
	}
	key, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the key in %s: %w", file, err)
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the certificate in %s: %w", file, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, nil, fmt.Errorf("cannot use %s: its key cannot sign", file)
	}
	if pub, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !pub.Equal(cert.PublicKey) {
		return nil, nil, fmt.Errorf("cannot use %s: its key is not that of its certificate", file)
	}
	return cert, signer, nil
}

// replace puts a whole file in the place of another one.
func replace(file string, content []byte, mode os.FileMode) error {
	return place(file, content, mode, os.Rename)
}

// create puts a whole file where there is none; one that is there stays.
func create(file string, content []byte) error {
	err := place(file, content, 0o600, os.Link)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	return err
}

// place writes content beside file and then moves it there.
func place(file string, content []byte, mode os.FileMode, move func(from, to string) error) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already after a rename
	if _, err = f.Write(content); err == nil {
		if err = f.Chmod(mode); err == nil {
			err = f.Sync()
		}
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return move(f.Name(), file)
}
