//go:build linux

package hostile

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"sutler"
	"sutler/engine"
	"sutler/provider/customaudit"
	"sutler/provider/fault"
	"sutler/provider/file"
	"sutler/provider/mpferror"
	"sutler/provider/sql"
	"sutler/provider/test"
	"sutler/server"
	"sutler/store"
	"sutler/sutlertest"
)

// token is what a caller of the server shows.
const token = "a-token-of-sufficient-length"

// hurry is by how much the clock of the slow server's connections is faster:
// ten seconds for a head are 50 ms, a minute for a body 300 ms.
const hurry = 200

// house is an engine with the providers of the program, and its server on two
// addresses: a usual one and one in a hurry.
type house struct {
	engine        *engine.Engine
	address, slow string
}

var administrator = sutler.Caller{Account: "local", Groups: []string{sutler.MPFAdmins, sutler.MPFTrustedUsers}, Door: "json"}

// open returns the house, which it makes when it is asked for first.
func (w *world) open() (*house, error) {
	if w.house != nil {
		return w.house, nil
	}
	rootDir := filepath.Join(w.dir, "root")
	if err := os.Mkdir(rootDir, 0o700); err != nil {
		return nil, err
	}
	if err := os.Symlink(w.outside, filepath.Join(rootDir, "out")); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(rootDir)
	if err != nil {
		return nil, err
	}
	w.ends = append(w.ends, func() { root.Close() })
	ctx := context.Background()
	kept, err := store.Open(ctx, store.Options{Path: filepath.Join(w.dir, "store", "sutler.db"), Now: time.Now})
	if err != nil {
		return nil, err
	}
	w.ends = append(w.ends, func() { kept.Close() })
	lease, err := kept.Lease(ctx, "sutler")
	if err != nil {
		return nil, err
	}
	databases, err := sql.New(root, sql.Limits{})
	if err != nil {
		return nil, err
	}
	var ids atomic.Int64
	h := &house{}
	h.engine, err = engine.New(ctx, engine.Options{
		Lease: lease, Log: kept, Config: kept, Limits: limits, Now: time.Now,
		Providers: map[string]sutler.Provider{
			"test": test.New(), "fault": fault.New(nil), "file": file.New(root), sql.Source: databases,
			"error":            mpferror.Provider{Maps: nil}.Procedures(),
			customaudit.Source: customaudit.New(),
		},
		Builtin: []sutler.Source{
			{File: "builtin/file.xml", Text: file.Namespace()}, {File: "builtin/sql.xml", Text: sql.Namespace()},
			{File: "builtin/audit.xml", Text: customaudit.Namespace()},
			{File: "echo.xml", Text: []byte(`<namespace name="Echo" providerSource="test"><procedure name="Read Request" type="read" access="public"/></namespace>`)},
		},
		NewID: func() sutler.TransactionID { return sutler.TransactionID(fmt.Sprintf("{%036d}", ids.Add(1))) },
	})
	if err != nil {
		return nil, err
	}
	handler, err := server.New(server.Options{
		Engine: h.engine, Registrar: h.engine, Monitor: kept, Config: kept, Resolver: h.engine, Leases: kept, Audit: kept,
		Admit: sutlertest.Holder(token, administrator), Limits: limits, Version: "hostile",
	})
	if err != nil {
		return nil, err
	}
	if h.address, err = w.serve(handler, 1); err != nil {
		return nil, err
	}
	if h.slow, err = w.serve(handler, hurry); err != nil {
		return nil, err
	}
	w.house = h
	return h, nil
}

// serve answers with h on a free loopback address.
func (w *world) serve(h http.Handler, faster time.Duration) (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(ctx, hurried{ln, faster}, h, time.Second, slog.New(slog.DiscardHandler))
	}()
	w.ends = append(w.ends, func() { end(); <-ended })
	return ln.Addr().String(), nil
}

// hurried is a listener whose connections come to their deadlines faster.
type hurried struct {
	net.Listener
	faster time.Duration
}

func (h hurried) Accept() (net.Conn, error) {
	c, err := h.Listener.Accept()
	return hurriedConn{c, h.faster}, err
}

type hurriedConn struct {
	net.Conn
	faster time.Duration
}

func (c hurriedConn) sooner(t time.Time) time.Time {
	left := time.Until(t)
	if t.IsZero() || left <= 0 {
		return t
	}
	return time.Now().Add(left / c.faster)
}

func (c hurriedConn) SetDeadline(t time.Time) error      { return c.Conn.SetDeadline(c.sooner(t)) }
func (c hurriedConn) SetReadDeadline(t time.Time) error  { return c.Conn.SetReadDeadline(c.sooner(t)) }
func (c hurriedConn) SetWriteDeadline(t time.Time) error { return c.Conn.SetWriteDeadline(c.sooner(t)) }

// submitDoor runs a trusted request.
func submitDoor(w *world, _ *hostileCase, files map[string][]byte) (func(*bytes.Buffer) string, error) {
	h, err := w.open()
	if err != nil {
		return nil, err
	}
	src := files["request.xml"]
	return func(said *bytes.Buffer) string {
		req, err := sutler.ParseRequest(src, "request.xml", limits)
		if err != nil {
			return verdictOf(said, err)
		}
		req.Trusted = true
		res, err := h.engine.Submit(context.Background(), administrator, req)
		if res != nil {
			said.Write(res.XML)
			if res.Err != nil {
				err = res.Err
			}
		}
		return verdictOf(said, err)
	}, nil
}
