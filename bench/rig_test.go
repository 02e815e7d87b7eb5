//go:build linux

package bench_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sutler"
	"sutler/client"
	"sutler/engine"
	"sutler/server"
	"sutler/store"
	"sutler/sutlertest"
)

// The ways in which a request is submitted.
const (
	inProcess   = "call"
	throughDoor = "door"
)

const token = "0123456789abcdef0123456789abcdef"

var admin = sutler.Caller{Account: "local", Groups: []string{sutler.MPFAdmins, sutler.MPFTrustedUsers}, Door: "json"}

// databases are the kinds of databases, with what starts the server that they
// may need.
var databases = []struct {
	name  string
	start func(tb testing.TB) opener
}{
	{"sqlite", func(testing.TB) opener { return sqlite{} }},
	{"postgres", func(tb testing.TB) opener { return startPostgres(tb) }},
}

// opener makes empty databases of one kind, as durable as they come.
type opener interface {
	name() string
	open(tb testing.TB) place
	cpu(tb testing.TB) time.Duration // that the server has used
}

// place is one empty database.
type place struct {
	options store.Options
	driver  string // and address of the same kind of database, for a plain log
	address string
	size    func(tb testing.TB) int64 // of what it stores, in bytes
}

type sqlite struct{}

func (sqlite) name() string                 { return "sqlite" }
func (sqlite) cpu(testing.TB) time.Duration { return 0 }

func (sqlite) open(tb testing.TB) place {
	dir := tb.TempDir()
	return place{
		options: store.Options{Path: filepath.Join(dir, "sutler.db")},
		driver:  "sqlite",
		address: "file:" + filepath.Join(dir, "plain.db") + "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate",
		size: func(tb testing.TB) int64 { // without the journals, which do not grow
			var sum int64
			for _, name := range []string{"sutler.db", "sutler-index.db"} {
				info, err := os.Stat(filepath.Join(dir, name))
				if err != nil {
					tb.Fatal(err)
				}
				sum += info.Size()
			}
			return sum
		},
	}
}

type postgres struct {
	*sutlertest.Postgres
	pid string // of the postmaster
}

func startPostgres(tb testing.TB) *postgres {
	p := &postgres{Postgres: sutlertest.StartPostgres(tb)}
	data := p.SQL(tb, "postgres", "SHOW data_directory")
	b, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		tb.Fatal(err)
	}
	p.pid, _, _ = strings.Cut(string(b), "\n")
	return p
}

func (p *postgres) name() string { return "postgres" }

func (p *postgres) open(tb testing.TB) place {
	address := p.Database(tb)
	name := address[strings.LastIndex(address, "/")+1 : strings.Index(address, "?")]
	return place{
		options: store.Options{Database: address},
		driver:  "pgx", address: address,
		size: func(tb testing.TB) int64 {
			n, err := strconv.ParseInt(p.SQL(tb, name, "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"), 10, 64)
			if err != nil {
				tb.Fatal(err)
			}
			return n
		},
	}
}

// rig is an engine over a store of its own, with a door.
type rig struct {
	place
	opener
	store   *store.Store
	engine  *engine.Engine
	lease   sutler.Lease
	silent  *silent
	records *recorder
	clients []*client.Client
	empty   int64 // size before the first request
	done    int64 // requests so far
}

// newRig opens a store in an empty database and starts an engine and a door
// before it. running is the limit Running, 0 the default.
func newRig(tb testing.TB, o opener, running int) *rig {
	tb.Helper()
	r := &rig{place: o.open(tb), opener: o, silent: &silent{}}
	var err error
	if r.store, err = store.Open(tb.Context(), r.options); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := r.store.Close(); err != nil {
			tb.Error(err)
		}
	})
	if r.lease, err = r.store.Lease(tb.Context(), "bench"); err != nil {
		tb.Fatal(err)
	}
	r.records = &recorder{TransactionLog: r.store}
	limits := sutler.Limits{Running: running}
	if r.engine, err = engine.New(tb.Context(), engine.Options{
		Lease: r.lease, Log: r.records, Config: r.store, Limits: limits, Providers: map[string]sutler.Provider{"silent": r.silent.provider()},
		Now: time.Now, NewID: newID, Logger: slog.New(slog.DiscardHandler),
	}); err != nil {
		tb.Fatal(err)
	}
	if _, err := r.engine.Register(tb.Context(), admin,
		sutler.Source{File: "system.xml", Text: []byte(systemNamespace)}, sutler.Source{File: "bench.xml", Text: []byte(benchNamespace)}); err != nil {
		tb.Fatal(err)
	}
	r.openDoor(tb, limits)
	r.empty = r.size(tb)
	return r
}

// openDoor serves on loopback. A client keeps 64 connections, so there are as
// many clients as 128 callers need.
func (r *rig) openDoor(tb testing.TB, limits sutler.Limits) {
	tb.Helper()
	logger := slog.New(slog.DiscardHandler)
	door, err := server.New(server.Options{
		Engine: r.engine, Registrar: r.engine, Monitor: r.store, Config: r.store, Resolver: r.engine, Leases: r.store, Audit: r.store, Admit: sutlertest.Holder(token, admin), Limits: limits, Logger: logger,
	})
	if err != nil {
		tb.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, ln, door, 10*time.Second, logger) }()
	for range 4 {
		c, err := client.New(client.Options{Address: ln.Addr().String(), Token: token})
		if err != nil {
			tb.Fatal(err)
		}
		r.clients = append(r.clients, c)
	}
	tb.Cleanup(func() {
		for _, c := range r.clients {
			c.Close()
		}
		stop()
		if err := <-ended; err != nil {
			tb.Error(err)
		}
	})
}

// submitter returns what submits one request of a workload, for one caller
// after the other.
func (r *rig) submitter(door string, w workload) func(caller int) error {
	ctx := context.Background()
	if door == throughDoor {
		in := client.Submission{Namespace: "Bench", Procedure: w.procedure, Request: w.request, File: "request.xml"}
		return func(caller int) error {
			res, err := r.clients[caller%len(r.clients)].Send(ctx, in)
			return w.judge(res, err)
		}
	}
	src := []byte(w.request)
	return func(int) error {
		req, err := sutler.ParseRequest(src, "request.xml", sutler.Limits{})
		if err != nil {
			return err
		}
		req.Namespace, req.Procedure = "Bench", w.procedure
		res, err := r.engine.Submit(ctx, admin, req)
		return w.judge(res, err)
	}
}

// judge is nil if the request ended as it must.
func (w workload) judge(res *sutler.Response, err error) error {
	want := sutler.Committed
	if w.fails {
		want = sutler.RolledBack
	}
	if res == nil || res.Transaction == "" || res.Status != want || (err != nil) != w.fails {
		return fmt.Errorf("a request of %s ended as %+v, %v", w.name, res, err)
	}
	return nil
}

// stored returns the bytes that one request has left in the database.
func (r *rig) stored(tb testing.TB) float64 {
	tb.Helper()
	if err := r.store.Close(); err != nil {
		tb.Fatal(err)
	}
	return float64(r.size(tb)-r.empty) / float64(r.done)
}

// recorder stands between an engine and its log and counts the records. It
// keeps what is appended while it is asked to.
type recorder struct {
	sutler.TransactionLog
	count counter
	mu    sync.Mutex
	kept  *[][]sutler.Record
}

func (l *recorder) Append(ctx context.Context, lease sutler.Lease, rs ...sutler.Record) error {
	l.count.Add(int64(len(rs)))
	if l.kept != nil {
		l.mu.Lock()
		*l.kept = append(*l.kept, append([]sutler.Record(nil), rs...))
		l.mu.Unlock()
	}
	return l.TransactionLog.Append(ctx, lease, rs...)
}

// record runs one request and returns what it appended. Nothing else may run.
func (r *rig) record(tb testing.TB, w workload) [][]sutler.Record {
	tb.Helper()
	var kept [][]sutler.Record
	r.records.kept = &kept
	defer func() { r.records.kept = nil }()
	if err := r.submitter(inProcess, w)(0); err != nil {
		tb.Fatal(err)
	}
	r.done++
	return kept
}

// newID returns a random GUID in braces.
func newID() sutler.TransactionID {
	var b [16]byte
	_, _ = rand.Read(b[:])
	ms := time.Now().UnixMilli() // as the program does: new IDs come at the end of every index
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	return sutler.TransactionID(fmt.Sprintf("{%X-%X-%X-%X-%X}", b[:4], b[4:6], b[6:8], b[8:10], b[10:]))
}
