// Package server is the door of an engine: HTTP with JSON, one table of
// operations, and a guard before it.
//
// The guard answers nobody whom Options.Admit does not let in. It refuses what
// a web page could send on somebody's behalf: a foreign Host (DNS rebinding), a
// foreign Origin, and the content types of HTML forms. Behind it each line of
// the table decodes its input, calls one of the root interfaces and encodes
// the answer. Errors are JSON too: code, name, description and hint.
package server

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"sutler"
	"sutler/security"
)

// Options are what New ties together. Everything up to Admit is required.
type Options struct {
	Engine    sutler.Engine
	Registrar sutler.Registrar
	Monitor   sutler.Monitor
	Config    sutler.Config // its Namespaces are what the door lists, those built in included
	Resolver  sutler.Resolver
	Leases    sutler.Leases
	Audit     sutler.AuditLog
	// Admit returns who asks, or answers by itself and returns false.
	Admit func(http.ResponseWriter, *http.Request) (sutler.Caller, bool)

	// Access returns what the installation allows now. Nil: only what is built in.
	Access func() *security.Access
	// Configure checks and records what from does to the configuration, and does
	// it. Nil: it is done.
	Configure func(from sutler.Caller, what, detail string, do func() error) error
	// Refused is told what a caller was not let do by the door itself, and why:
	// what the engine refuses the engine records. It must not wait for anything.
	// Nil: nobody is told.
	Refused   func(from sutler.Caller, r *http.Request, what, rule string)
	Admin     Admin                    // who may do what is changed by it
	Rotate    func(prepare bool) error // makes a new key to seal with, or prepares one; nil: there are none here
	Explainer Explainer                // and questions about it are answered by it; nil: neither is done here

	Hosts   []string      // names beside the loopback ones under which the server is asked for
	Limits  sutler.Limits // of requests; a body may be twice as large, for the quoting of JSON
	Version string        // what GET /v1/version answers
	Health  func() error  // why nothing can be written, for /healthz; nil: it can
	Logger  *slog.Logger  // nil: nothing is logged
}

// New returns the door as a handler. It is safe for many requests at once.
func New(o Options) (http.Handler, error) {
	if names := o.missing(); names != "" {
		return nil, fmt.Errorf("cannot make a server without %s", names)
	}
	if o.Access == nil {
		usual, err := security.NewAccess(nil, 0, false)
		if err != nil {
			return nil, err
		}
		o.Access = func() *security.Access { return usual }
	}
	records := o.Configure != nil
	if !records {
		o.Configure = func(_ sutler.Caller, _, _ string, do func() error) error { return do() }
	}
	if o.Refused == nil {
		o.Refused = func(sutler.Caller, *http.Request, string, string) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Limits = o.Limits.WithDefaults()
	d := &door{Options: o, mux: http.NewServeMux(), records: records}
	d.route()
	return d, nil
}

// door is the guard and the table behind it.
type door struct {
	Options
	mux *http.ServeMux

	records bool // what is done to the configuration is checked and recorded by Configure
}

// ServeHTTP lets r in or refuses it, and answers a panic like an unexpected error.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		switch p := recover(); {
		case p == nil:
		case p == http.ErrAbortHandler:
			panic(p)
		default:
			d.Logger.Error("panic in an operation", "method", r.Method, "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
			d.refuse(w, sutler.Errorf(sutler.Unexpected, "cannot answer: internal error; the log of the server has the details"), http.StatusInternalServerError)
		}
	}()
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if err := d.foreign(r); err != nil {
		d.refuse(w, err, http.StatusForbidden)
		return
	}
	if r.URL.Path != healthPath {
		rc := http.NewResponseController(w)
		_ = rc.SetWriteDeadline(time.Now().Add(writeTime)) // for what Admit answers to one who does not read it
		caller, in := d.Admit(w, r)
		if !in {
			return
		}
		_ = rc.SetWriteDeadline(time.Time{})
		r = r.WithContext(context.WithValue(r.Context(), callerKey{}, caller))
	}
	d.mux.ServeHTTP(w, r)
}

// callerKey is under what the context of a request keeps who asks.
type callerKey struct{}

func callerOf(r *http.Request) sutler.Caller {
	c, _ := r.Context().Value(callerKey{}).(sutler.Caller)
	return c
}

// foreign refuses a request for a host that is not ours, which is how a page
// that rebinds its own name to this address asks, and one that another site
// made a browser send, but for somebody who goes to a page of this server: a
// link there, or the way back from the issuer of a login.
func (d *door) foreign(r *http.Request) error {
	if !d.ours(r.Host) {
		return sutler.Errorf(sutler.Denied, "cannot answer for host %q: this server answers to localhost and the address it listens on", r.Host)
	}
	for _, origin := range r.Header.Values("Origin") {
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host) {
			return sutler.Errorf(sutler.Denied, "cannot answer a page of %q: it may not call this server", origin)
		}
	}
	if site := r.Header.Get("Sec-Fetch-Site"); (site == "cross-site" || site == "same-site") && !goesThere(r) {
		return sutler.Errorf(sutler.Denied, "cannot answer a page of another site: it may not call this server")
	}
	return nil
}

// goesThere reports whether r leaves the page that it comes from for one of this
// server, which that page cannot read and which changes nothing.
func goesThere(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) &&
		r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document" && r.Header.Get("Origin") == ""
}

// ours reports whether host, with or without a port, names this server.
func (d *door) ours(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	if strings.EqualFold(name, "localhost") {
		return true
	}
	if a, err := netip.ParseAddr(name); err == nil && a.IsLoopback() {
		return true
	}
	return slices.ContainsFunc(d.Hosts, func(h string) bool { return h != "" && strings.EqualFold(h, name) })
}
