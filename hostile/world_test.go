//go:build linux

package hostile

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"sutler"
)

// limits are those of all doors: what an operator sets who allows one request
// 64 MiB of memory. What is not there has its default.
var limits = sutler.Limits{RequestBytes: 4 << 20, TreeNodes: 200_000, TreeBytes: 8 << 20, ResultBytes: 8 << 20}

// world is what the cases of one child act on, and what they must not reach: a
// file, a listener, and the names of other hosts.
type world struct {
	dir     string // of this child
	outside string // a directory outside of every root, with the file secret in it
	canary  string // what that file holds
	reached atomic.Int64
	places  *strings.Replacer
	ears    []net.Listener
	ends    []func() // what is to be closed at the end
	after   []func() // what is to be closed after the case
	idle    int64    // bytes that the program takes when it does nothing
	peak    int64    // bytes that the program took in this case
	house   *house   // the engine and its server, made when they are needed first
}

func newWorld() (*world, error) {
	dir, err := os.MkdirTemp("", "sutler-hostile-")
	if err != nil {
		return nil, err
	}
	w := &world{dir: dir, outside: filepath.Join(dir, "outside"), canary: "canary-" + rand.Text()}
	w.ends = append(w.ends, func() { os.RemoveAll(dir) })
	if err := os.Mkdir(w.outside, 0o700); err != nil {
		return nil, err
	}
	// The secret reads as text, as XML and as a DTD alike.
	secret := filepath.Join(w.outside, "secret")
	if err := os.WriteFile(secret, []byte("<!-- "+w.canary+" -->"), 0o600); err != nil {
		return nil, err
	}
	port, err := w.listen()
	if err != nil {
		return nil, err
	}
	w.watchNames()
	w.places = strings.NewReplacer("⟪secret⟫", secret, "⟪outside⟫", w.outside, "⟪net⟫", "127.0.0.1:"+port, "⟪port⟫", port, "⟪token⟫", token)
	return w, nil
}

// listen opens the ears: connections to any of them count. It returns the port,
// which is the same on both loopback addresses where the system has both.
func (w *world) listen() (string, error) {
	first, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(first.Addr().String())
	if err != nil {
		return "", err
	}
	w.hear(first)
	if second, err := net.Listen("tcp6", "[::1]:"+port); err == nil {
		w.hear(second)
	}
	return port, nil
}

func (w *world) hear(ln net.Listener) {
	w.ears = append(w.ears, ln)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			w.reached.Add(1)
			c.Close()
		}
	}()
}

// watchNames counts every question for the address of a name and every request
// by the usual client of HTTP in this process.
func (w *world) watchNames() {
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		w.reached.Add(1)
		return nil, errors.New("no name may be looked up")
	}}
	http.DefaultTransport = roundTrip(func(*http.Request) (*http.Response, error) {
		w.reached.Add(1)
		return nil, errors.New("no request may be sent")
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// breach tells which rule of the house a case broke that was answered so, and
// makes the world ready for the next one.
func (w *world) breach(said string) (string, error) {
	for i := len(w.after) - 1; i >= 0; i-- {
		w.after[i]()
	}
	w.after = nil
	if n := w.reached.Swap(0); n > 0 {
		return fmt.Sprintf("the network was asked %d times", n), nil
	}
	if strings.Contains(said, w.canary) {
		return "the answer holds what is in the secret file", nil
	}
	entries, err := os.ReadDir(w.outside)
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(w.outside, "secret"))
	if err != nil || len(entries) != 1 || string(text) != "<!-- "+w.canary+" -->" {
		return fmt.Sprintf("what lies outside was changed: %v, %q", entries, text), nil
	}
	return "", nil
}

// folder makes an empty directory for the case.
func (w *world) folder() (string, error) {
	dir, err := os.MkdirTemp(w.dir, "case-")
	w.after = append(w.after, func() { os.RemoveAll(dir) })
	return dir, err
}

func (w *world) close() {
	for _, ln := range w.ears {
		ln.Close()
	}
	for i := len(w.ends) - 1; i >= 0; i-- {
		w.ends[i]()
	}
}
