package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"sutler"
	"sutler/audit"
	"sutler/engine"
	"sutler/store"
)

// The rhythm of what a server does in the background.
const (
	beat   = time.Second            // between heartbeats
	margin = 500 * time.Millisecond // before the end of a lease in which it does not count any more
)

// keeper knows until when the lease holds, by a clock that counts suspend.
type keeper struct {
	mu    sync.Mutex
	until time.Duration // since the host was started
	ever  bool          // the lease cannot lapse: nobody else can have the store
}

// sent is called after a heartbeat has succeeded that was sent at that time.
func (k *keeper) sent(at time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.until = max(k.until, at+sutler.LeaseTime-margin)
}

// renewed is sent for a new lease.
func (k *keeper) renewed(at time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.until = at + sutler.LeaseTime - margin
}

func (k *keeper) holds() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.ever || sinceBoot() < k.until
}

func (h *host) leaseHolds() bool { return h.holds.holds() }

// firstLease takes the engine's lease. Of a PostgreSQL database it waits for
// the end of the one that an earlier run has left, and refuses the name of an
// engine that is alive.
func (h *host) firstLease(ctx context.Context) (sutler.Lease, error) {
	if h.o.Database == "" {
		h.holds.ever = true
		return h.Store.Lease(ctx, h.o.Engine)
	}
	var seen time.Time
	for {
		engines, err := h.Store.Engines(ctx)
		if err != nil {
			return sutler.Lease{}, err
		}
		var e sutler.EngineInfo
		for _, other := range engines {
			if other.Name == h.o.Engine {
				e = other
			}
		}
		at := sinceBoot()
		var l sutler.Lease
		switch {
		case e.Alive && e.Holder != h.o.Engine: // another engine finishes what this one left, and stops now
			l, err = h.Store.Lease(ctx, h.o.Engine)
		case !e.Alive:
			l, err = h.Store.TakeOver(ctx, h.o.Engine, e.Fence, h.o.Engine)
		}
		if l.Fence != 0 || err != nil && sutler.CodeOf(err) != sutler.Conflict {
			h.holds.renewed(at)
			return l, err
		}
		if !e.Alive { // somebody was faster
			continue
		}
		if !seen.IsZero() && !e.Seen.Equal(seen) {
			return sutler.Lease{}, sutler.Errorf(sutler.Exists, "cannot start engine %q: one of that name is alive at this database; give this one another name with --engine", h.o.Engine)
		}
		seen = e.Seen
		select {
		case <-time.After(2 * beat):
		case <-ctx.Done():
			return sutler.Lease{}, ctx.Err()
		}
	}
}

// admit says why no request is taken at present, or nil.
func (h *host) admit() error {
	if state := h.state.Load().(sutler.EngineState); state != sutler.EngineActive {
		return sutler.Errorf(sutler.Inactive, "engine %q is %s", h.o.Engine, state)
	}
	if err := h.Store.Err(); err != nil {
		return err
	}
	if !h.holds.holds() {
		return sutler.Errorf(sutler.LogRefused, "the lease of engine %q has lapsed, and it is getting a new one", h.o.Engine)
	}
	if h.manager != nil {
		return h.manager.Err()
	}
	return nil
}

// serve recovers and starts what a server does in the background.
func (h *host) serve(ctx, background context.Context, lease sutler.Lease) error {
	key, err := audit.Key(h.o.Data)
	if err != nil {
		return err
	}
	if h.commands, err = store.OpenCommander(ctx, filepath.Join(h.o.Data, "audit.db")); err != nil {
		return err
	}
	h.manager, err = audit.New(ctx, audit.Options{
		Store: h.Store, Recover: h.Engine, Commands: h.commands, Lease: h.Lease, Key: key, Anchor: h.o.Anchor, Now: time.Now, Logger: h.o.Logger,
	})
	if err != nil {
		return err
	}
	h.refusals = audit.NewRefusals(func(r audit.RefusalRecord) error { return h.RecordRefusal(engine.Refusal(r)) }, h.o.Logger)
	if err := h.RecoverAll(ctx, lease); err != nil {
		return err
	}
	if err := h.rights.poll(ctx); err != nil {
		return err
	}
	if err := h.refresh(ctx); err != nil {
		return err
	}
	h.running.Go(func() { h.Store.Watch(background, func() { signalTo(h.changed) }) })
	h.running.Go(func() { h.keepConfiguration(background) })
	h.running.Go(func() { h.keepKeys(background) })
	h.running.Go(func() { h.manager.Run(background) })
	h.running.Go(func() { h.refusals.Run(background, time.Now) })
	return nil
}

// keepLease renews the lease, and takes a new one when it was lost or the
// store has failed and goes on.
func (h *host) keepLease(ctx context.Context) {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	lost := false
	for {
		select {
		case <-tick.C:
		case <-h.healed:
			lost = true
		case <-ctx.Done():
			return
		}
		if !lost && !h.holds.ever {
			lost = !h.renew(ctx)
		}
		if lost && h.Store.Err() == nil {
			if err := h.regain(ctx); err != nil {
				h.o.Logger.Error("cannot get a new lease", slog.String("engine", string(h.o.Engine)), slog.String("error", err.Error()))
				continue
			}
			lost = false
		}
		h.drained(ctx)
	}
}

// renew sends a heartbeat and reports whether the lease still holds without a gap.
func (h *host) renew(ctx context.Context) bool {
	gap := !h.holds.holds()
	at := sinceBoot()
	within, cancel := context.WithTimeout(ctx, sutler.LeaseTime)
	defer cancel()
	err := h.Store.Renew(within, h.Lease())
	switch {
	case err == nil && !gap:
		h.holds.sent(at)
		return true
	case err == nil:
		h.o.Logger.Warn("the lease had lapsed", slog.String("engine", string(h.o.Engine)))
		return false
	case sutler.CodeOf(err) == sutler.LogRefused:
		h.o.Logger.Warn("the lease was lost: another engine has taken over", slog.String("engine", string(h.o.Engine)))
		return false
	}
	h.o.Logger.Warn("cannot renew the lease", slog.String("engine", string(h.o.Engine)), slog.String("error", err.Error()))
	return true // until it lapses; then there is a gap
}

// regain takes a new lease and finishes what was left under the one before.
func (h *host) regain(ctx context.Context) error {
	at := sinceBoot()
	l, err := h.Store.Lease(ctx, h.o.Engine)
	if err != nil {
		return err
	}
	h.SetLease(l)
	h.holds.renewed(at)
	h.o.Logger.Info("new lease", slog.String("engine", string(l.Engine)), slog.Int64("number", l.Fence))
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := h.RecoverAll(ctx, l); err != nil {
			h.o.Logger.Error("cannot recover", slog.String("error", err.Error()))
		}
	})
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for {
		select {
		case <-done:
			return nil
		case <-time.After(beat):
			if !h.holds.ever {
				h.renew(ctx)
			}
		}
	}
}

// drained makes a draining engine inactive when its last request is answered.
func (h *host) drained(ctx context.Context) {
	if h.state.Load().(sutler.EngineState) != sutler.EngineDraining || h.Open() > 0 {
		return
	}
	if err := h.Store.SetEngineState(ctx, h.o.Engine, sutler.EngineInactive); err != nil {
		h.o.Logger.Warn("cannot make the drained engine inactive", slog.String("error", err.Error()))
	}
}

// keepConfiguration takes up changes of the configuration, when somebody tells
// of them and from time to time.
func (h *host) keepConfiguration(ctx context.Context) {
	tick := time.NewTicker(pollStamps)
	defer tick.Stop()
	for {
		if err := h.rights.poll(ctx); err != nil && ctx.Err() == nil {
			h.o.Logger.Warn("cannot look who may do what", slog.String("error", err.Error()))
		}
		if err := h.refresh(ctx); err != nil && !errors.Is(err, context.Canceled) {
			h.o.Logger.Warn("cannot refresh the configuration", slog.String("error", err.Error()))
		}
		select {
		case <-tick.C:
		case <-h.changed:
		case <-ctx.Done():
			return
		}
	}
}

// refresh reads the rest of the configuration anew, if its change stamps say that it has changed.
func (h *host) refresh(ctx context.Context) error {
	stamps, err := h.Store.Stamps(ctx)
	if err != nil || stamps == h.stamps {
		return err
	}
	if err := h.Engine.Refresh(ctx); err != nil {
		return err
	}
	if stamps.Access != h.stamps.Access {
		signalTo(h.rotated)
	}
	stored, err := h.Store.Settings(ctx)
	if err != nil {
		return err
	}
	if level := int32(sutler.AuditSettingsOf(stored).Level); h.level.Swap(level) != level {
		h.o.Logger.Info("properties refreshed", slog.Int("event", 4104), slog.String("auditLevel", sutler.AuditLevel(level).String()))
	}
	engines, err := h.Store.Engines(ctx)
	if err != nil {
		return err
	}
	for _, e := range engines {
		if e.Name == h.o.Engine && h.state.Swap(e.State) != e.State {
			h.o.Logger.Info("list of engines refreshed", slog.Int("event", 4105), slog.String("engine", string(e.Name)), slog.String("state", string(e.State)))
		}
	}
	h.stamps = stamps
	return nil
}

// health says why requests cannot be served, for the health check.
func (h *host) health() error {
	if err := errors.Join(h.admit(), h.rights.current(context.Background())); err != nil {
		return fmt.Errorf("requests are not taken: %w", err)
	}
	return nil
}

// signalTo tells whoever reads c, once.
func signalTo(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
