package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sutler"
	"sutler/audit"
	"sutler/engine"
	"sutler/login"
	"sutler/security"
	"sutler/store"
)

// engineName is the one engine of a data directory.
const engineName = sutler.EngineID("sutler")

// host is an engine with its store and its providers in this process.
type host struct {
	*engine.Engine
	Store  *store.Store
	Limits sutler.Limits
	o      hostOptions
	root   *os.Root

	closers []io.Closer // providers with something to close

	stamps  sutler.Stamps // of the configuration in force; used by refresh alone
	level   atomic.Int32  // the audit level in force
	state   atomic.Value  // sutler.EngineState of this engine
	clients atomic.Value  // security.ClientSettings in force

	passwords atomic.Pointer[security.Policy] // of new passwords, in force

	rights   *rights
	sessions login.MemorySessions // of browsers
	rightsOf sutler.Stamps        // of the picture in force of who may do what; used by lookAtRights alone
	passport atomic.Bool          // bearer tokens of the OpenID issuer are taken
	keys     *keyring
	rotated  chan struct{} // the keys may have been, by another engine
	holds    keeper        // of the lease
	healed   chan struct{} // the store has failed and goes on
	changed  chan struct{} // the configuration has changed

	// The auditing and recovery manager and what it works with; nil without Serve.
	manager    *audit.Manager
	refusals   *audit.Refusals // at the door
	turnedAway tally           // logins that nobody looked at
	commands   *store.Commander
	stop       context.CancelFunc
	running    sync.WaitGroup
}

// hostOptions say where a host keeps its data and where its providers work.
type hostOptions struct {
	Data     string          // directory of the keys, and of the store unless Database is given; made when missing
	Database string          // PostgreSQL database of the store, or ""
	Engine   sutler.EngineID // name of the engine; "" is engineName
	Root     string          // directory that file and SQL providers work below; made when missing
	Anchor   string          // file of the anchor; "" is in Data
	KMS      *kms            // wraps the keys in the store; nil: they are in a file of Data
	KeysLost bool            // what is sealed by keys that are nowhere is given up
	Serve    bool            // with everything that a server does in the background
	Stop     context.Context // when it ends, running transactions are undone
	Logger   *slog.Logger
	Trace    func(engine.Event)
}

// openHost opens the store, makes an engine, and finishes what an earlier run
// left unfinished. A data directory no other program may use meanwhile.
func openHost(ctx context.Context, o hostOptions) (*host, error) {
	if o.Engine == "" {
		o.Engine = engineName
	}
	if o.Anchor == "" {
		o.Anchor = filepath.Join(o.Data, audit.AnchorFile)
	}
	h := &host{o: o, healed: make(chan struct{}, 1), changed: make(chan struct{}, 1), rotated: make(chan struct{}, 1)}
	h.rights = newRights(sinceBoot, h.lookAtRights)
	h.level.Store(int32(sutler.AuditFlagged))
	h.state.Store(sutler.EngineActive)
	if err := os.MkdirAll(o.Data, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the data directory: %w", err)
	}
	so := store.Options{
		Path: filepath.Join(o.Data, "sutler.db"), Log: o.Logger, Now: time.Now, Healed: func() { signalTo(h.healed) },
		AuditLevel: func() sutler.AuditLevel { return sutler.AuditLevel(h.level.Load()) },
	}
	if o.Database != "" {
		so.Path, so.Database = "", o.Database
	}
	var err error
	if h.Store, err = store.Open(ctx, so); err != nil {
		return nil, err
	}
	if err := h.start(ctx); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

func (h *host) start(ctx context.Context) error {
	o := &h.o
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
	h.level.Store(int32(sutler.AuditSettingsOf(stored).Level))
	h.useSettings(stored)
	all, err := providers(h.root, os.DirFS(filepath.Join(o.Data, "messages")),
		filepath.Join(o.Data, "sql-connections.json"), filepath.Join(o.Data, "file-accounts.json"), o.Logger)
	if err != nil {
		return err
	}
	for _, p := range all {
		if c, ok := p.(io.Closer); ok {
			h.closers = append(h.closers, c)
		}
	}
	h.keys = &keyring{store: h.Store, file: filepath.Join(o.Data, keysFile), kms: o.KMS, now: time.Now, sync: syncFolder, log: o.Logger}
	if err := h.keys.open(ctx, o.KeysLost); err != nil {
		return err
	}
	lease, err := h.firstLease(ctx)
	if err != nil {
		return err
	}
	var current func(context.Context) error
	if o.Serve { // else nobody else changes anything, and nobody polls
		current = h.rights.current
	}
	h.Engine, err = engine.New(ctx, engine.Options{
		Lease: lease, Log: h.Store, Config: h.Store, Access: h.Store, Sealer: h.keys, Limits: h.Limits, Providers: all, Builtin: builtin(),
		Now: time.Now, NewID: newTransactionID, Stop: o.Stop, Logger: o.Logger, Trace: o.Trace, Validate: sutler.ValidationOf(stored),
		Holds: h.leaseHolds, Admit: h.admit, Current: current, AuditLevel: func() sutler.AuditLevel { return sutler.AuditLevel(h.level.Load()) },
	})
	if err != nil {
		return err
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	h.stop = stop
	h.running.Go(func() { h.keepLease(background) }) // also while recovering
	if !o.Serve {
		return h.RecoverAll(ctx, lease)
	}
	return h.serve(ctx, background, lease)
}

// Close ends what runs in the background and gives the store free. No request
// may run any more: see engine.Close.
func (h *host) Close() error {
	if h.stop != nil {
		h.stop()
		h.running.Wait()
	}
	var errs []error
	if h.Engine != nil && h.Store.Err() == nil {
		errs = append(errs, h.Store.Release(context.Background(), h.Lease()))
	}
	if h.commands != nil {
		errs = append(errs, h.commands.Close())
	}
	for _, c := range h.closers {
		errs = append(errs, c.Close())
	}
	if h.root != nil {
		errs = append(errs, h.root.Close())
	}
	return errors.Join(append(errs, h.Store.Close())...)
}

// useSettings puts those settings in force that count at once.
func (h *host) useSettings(stored map[string]string) {
	h.passport.Store(sutler.ChoiceOf(stored, sutler.SettingPassport) == "on")
	length, words := sutler.PasswordRulesOf(stored)
	h.passwords.Store(&security.Policy{MinLength: length, Words: words})
	h.clients.Store(security.ClientSettings{
		Impersonation: sutler.ChoiceOf(stored, sutler.SettingImpersonation), Cloaking: sutler.ChoiceOf(stored, sutler.SettingCloaking),
		Level: sutler.ChoiceOf(stored, sutler.SettingClientLevel),
	})
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

// newTransactionID returns a GUID in braces. Its first 48 bits are the time in
// milliseconds, as in version 7 of UUIDs, so that new transactions come at the
// end of every index; the rest is random.
func newTransactionID() sutler.TransactionID {
	var b [16]byte
	rand.Read(b[:])
	ms := uint64(time.Now().UnixMilli())
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	b[6], b[8] = b[6]&0x0f|0x70, b[8]&0x3f|0x80
	return sutler.TransactionID(fmt.Sprintf("{%X-%X-%X-%X-%X}", b[:4], b[4:6], b[6:8], b[8:10], b[10:]))
}
