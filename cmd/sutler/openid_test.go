package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"sutler/login/logintest"
)

// issuer starts an OpenID provider and sets ISSUER to its URL.
func (w *web) issuer(ts *testscript.TestScript, neg bool, args []string) {
	p, stop, err := logintest.New()
	ts.Check(err)
	ts.Defer(stop)
	ts.Setenv("ISSUER", p.URL)
	w.provider = p
}

// web is the outside world of a script: an issuer and a browser.
type web struct {
	provider *logintest.Provider
	browser  *http.Client
}

// robot NAME sets an environment variable to a token of a machine.
func (w *web) robot(ts *testscript.TestScript, neg bool, args []string) {
	token, err := w.provider.Token()
	ts.Check(err)
	ts.Setenv(args[0], token)
}

// freePort NAME sets an environment variable to a port that is free, and allows
// the issuer to send browsers back there.
func (w *web) freePort(ts *testscript.TestScript, neg bool, args []string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	_, port, err := net.SplitHostPort(ln.Addr().String())
	ts.Check(err)
	ts.Check(ln.Close())
	ts.Setenv(args[0], port)
	w.provider.Storage.Redirect = []string{"https://localhost:" + port + "/login/callback"}
}

// expand FROM TO writes a file with its environment variables put in, for its
// owner alone.
func expand(ts *testscript.TestScript, neg bool, args []string) {
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}

// browse DATA METHOD PATH asks the server as a browser does, which keeps its
// cookies, and prints the status, the way and the answer.
func (w *web) browse(ts *testscript.TestScript, neg bool, args []string) {
	if w.browser == nil {
		pem, err := os.ReadFile(filepath.Join(ts.MkAbs(args[0]), "tls", "ca.crt"))
		ts.Check(err)
		trust := x509.NewCertPool()
		trust.AppendCertsFromPEM(pem)
		jar, err := cookiejar.New(nil)
		ts.Check(err)
		w.browser = &http.Client{Jar: jar, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trust}}}
		ts.Defer(w.browser.CloseIdleConnections)
	}
	site := ts.Getenv("URL")
	req, err := http.NewRequest(args[1], site+args[2], nil)
	ts.Check(err)
	req.Header.Set("Accept", "text/html")
	for name, value := range map[string]string{"Site": "none", "Mode": "navigate", "Dest": "document"} {
		req.Header.Set("Sec-Fetch-"+name, value)
	}
	if args[1] != http.MethodGet {
		req.Header.Set("Origin", site)
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	var way []string
	left := false
	w.browser.CheckRedirect = func(next *http.Request, before []*http.Request) error {
		if left = left || next.URL.Host != before[0].URL.Host; left { // for the rest of the way
			next.Header.Set("Sec-Fetch-Site", "cross-site")
		}
		way = append(way, hop(next))
		return nil
	}
	way = append(way, hop(req))
	res, err := w.browser.Do(req)
	ts.Check(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%d\n%s\n%s\n", res.StatusCode, strings.Join(way, ", "), body)
}

func hop(r *http.Request) string {
	return fmt.Sprintf("%s %s://%s%s", r.Method, r.URL.Scheme, r.URL.Host, r.URL.Path)
}
