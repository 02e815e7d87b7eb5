package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sutler"
	"sutler/engine"
	"sutler/store"
)

// engineName is the one engine of a data directory.
const engineName = sutler.EngineID("sutler")

// host is an engine with its store and its providers in this process.
type host struct {
	*engine.Engine
	Store  *store.Store
	Limits sutler.Limits
	root   *os.Root
}

// hostOptions say where a host keeps its data and where its providers work.
type hostOptions struct {
	Data   string          // directory of the store; made when missing
	Root   string          // directory that file and SQL providers work below; made when missing
	Stop   context.Context // when it ends, running transactions are undone
	Logger *slog.Logger
	Trace  func(engine.Event)
}

// openHost opens the store of o.Data, which no other program may use
// meanwhile, makes an engine, and finishes what an earlier run left unfinished.
func openHost(ctx context.Context, o hostOptions) (*host, error) {
	st, err := store.Open(ctx, store.Options{Path: filepath.Join(o.Data, "sutler.db"), Log: o.Logger, Now: time.Now})
	if err != nil {
		return nil, err
	}
	h := &host{Store: st}
	if err := h.start(ctx, o); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

func (h *host) start(ctx context.Context, o hostOptions) error {
	if err := os.MkdirAll(o.Root, 0o755); err != nil {
		return fmt.Errorf("cannot make the root of the providers: %w", err)
	}
	var err error
	if h.root, err = os.OpenRoot(o.Root); err != nil {
		return fmt.Errorf("cannot open the root of the providers: %w", err)
	}
	stored, err := h.Store.Settings(ctx)
	if err != nil {
		return err
	}
	if h.Limits, err = sutler.LimitsOf(stored); err != nil {
		return err
	}
	all, err := providers(h.root, os.DirFS(filepath.Join(o.Data, "messages")), o.Logger)
	if err != nil {
		return err
	}
	lease, err := h.Store.Lease(ctx, engineName)
	if err != nil {
		return err
	}
	h.Engine, err = engine.New(ctx, engine.Options{
		Lease: lease, Log: h.Store, Config: h.Store, Limits: h.Limits, Providers: all, Builtin: builtin(),
		Now: time.Now, NewID: newTransactionID, Stop: o.Stop, Logger: o.Logger, Trace: o.Trace, Validate: sutler.ValidationOf(stored),
	})
	if err != nil {
		return err
	}
	return h.RecoverAll(ctx, lease)
}

// Close gives the store free. No request may run any more: see engine.Close.
func (h *host) Close() error {
	var errs []error
	if h.root != nil {
		errs = append(errs, h.root.Close())
	}
	return errors.Join(append(errs, h.Store.Close())...)
}

// configuration is the configuration store as the door shows it.
type configuration struct {
	*store.Store
	engine *engine.Engine
}

// Namespaces returns the namespaces in force, those built in included, and
// the revision of the catalog.
func (c configuration) Namespaces(ctx context.Context) ([]sutler.Namespace, int64, error) {
	list, revision, err := c.Store.Namespaces(ctx)
	if err != nil {
		return nil, 0, err
	}
	text := map[string][]byte{}
	for _, s := range builtin() {
		text[s.File] = s.Text
	}
	for _, ns := range c.engine.Namespaces() {
		if slices.ContainsFunc(list, func(other sutler.Namespace) bool { return strings.EqualFold(other.Name, ns.Name) }) {
			continue
		}
		list = append(list, sutler.Namespace{
			Name: ns.Name, Hash: ns.Hash, File: ns.File, Text: text[ns.File], Description: ns.Description,
			ProviderSource: ns.ProviderSource, Version: ns.Version, ReadOnly: true, Procedures: len(ns.Procedures),
		})
	}
	slices.SortFunc(list, func(a, b sutler.Namespace) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return list, revision, nil
}

// newTransactionID returns a random GUID in braces.
func newTransactionID() sutler.TransactionID {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return sutler.TransactionID(fmt.Sprintf("{%X-%X-%X-%X-%X}", b[:4], b[4:6], b[6:8], b[8:10], b[10:]))
}
