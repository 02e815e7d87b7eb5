package audit

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"sutler"
)

// Store is what the manager needs of the store.
type Store interface {
	sutler.Chains
	sutler.Leases
	// Written returns how many records this process has made durable.
	Written() int64
	Unfinished(ctx context.Context, engine sutler.EngineID, after sutler.TransactionID, n int) ([]sutler.TransactionID, error)
	Settings(ctx context.Context) (map[string]string, error)
	// Piece and Cut: see their contracts in package store.
	Piece(ctx context.Context, h sutler.ChainHead, before, auditBefore time.Time, n int) (sutler.Piece, error)
	Cut(ctx context.Context, p sutler.Piece) error
	ForgetClients(ctx context.Context, before time.Time) error
	Pending(ctx context.Context, now time.Time, n int) ([]sutler.PendingCommand, error)
	DropCommand(ctx context.Context, c sutler.PendingCommand) error
	FailCommand(ctx context.Context, c sutler.PendingCommand, due time.Time, why string) error
}

// Commander runs commands on the audit database.
type Commander interface {
	// Run runs one command. It may be called again for the same one, after a
	// crash, and does nothing then if it was run.
	Run(ctx context.Context, c sutler.PendingCommand) error
}

// Options are what a manager is made of. All but Commands and Logger are required.
type Options struct {
	Store    Store
	Recover  sutler.Recoverer
	Commands Commander           // nil: commands wait
	Lease    func() sutler.Lease // the newest lease of the manager's own engine
	Key      ed25519.PrivateKey
	Anchor   string // file, outside the database
	Now      func() time.Time
	Logger   *slog.Logger // nil: nothing is logged
}

// The manager's rhythm.
const (
	signAfter  = 10 * time.Second // a head is signed after so much time
	signMany   = 1000             // or so many records
	longRound  = time.Minute      // between looks at retention and commands
	shortRound = 3 * time.Second  // between two rounds of cutting while there is more to cut
	cutTime    = time.Second      // most that one round cuts
	pieceRows  = 200
	fewKept    = 10 // per cent of the transactions of a piece that are carried forward rather than keep it
	firstRetry = time.Second
)

// Manager is the auditing and recovery manager of one engine.
type Manager struct {
	o Options

	number  int64 // of the newest statement of this key
	before  string
	pending []byte          // a statement that the database has and the anchor has not
	signed  map[int64]int64 // by fence: the newest row that is signed
	lastAt  time.Time       // when it was last signed
	lastOf  int64           // how many records were written then
	adopted map[sutler.EngineID]sutler.Lease

	mu  sync.Mutex
	err error // why statements cannot be kept
}

// New returns a manager that goes on after the statements of its key: those
// that the database has and the anchor lacks are anchored.
func New(ctx context.Context, o Options) (*Manager, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	m := &Manager{o: o, signed: map[int64]int64{}, adopted: map[sutler.EngineID]sutler.Lease{}}
	lines, err := ReadAnchor(o.Anchor)
	if err != nil {
		return nil, err
	}
	anchored := map[string]bool{}
	for _, line := range lines {
		anchored[LineHash(line)] = true
		m.take(line)
	}
	inBase := 0
	err = o.Store.Checkpoints(ctx, func(line []byte) error {
		if !m.own(line) {
			return nil
		}
		if inBase++; anchored[LineHash(line)] {
			return nil
		}
		m.take(line)
		return appendLine(o.Anchor, line)
	})
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 && inBase > 0 {
		o.Logger.Error("the anchor of the audit log was lost; it is made anew from the database, which proves nothing about what was there before", "anchor", o.Anchor)
	}
	return m, nil
}

func (m *Manager) own(line []byte) bool {
	_, _, err := ReadStatement(line, []ed25519.PublicKey{m.o.Key.Public().(ed25519.PublicKey)})
	return err == nil
}

// take goes on after a statement of this key.
func (m *Manager) take(line []byte) {
	s, _, err := ReadStatement(line, []ed25519.PublicKey{m.o.Key.Public().(ed25519.PublicKey)})
	if err != nil || s.Number < m.number {
		return
	}
	m.number, m.before = s.Number, LineHash(line)
	for _, h := range s.Heads {
		m.signed[h.Fence] = max(m.signed[h.Fence], h.Number)
	}
}

// Err returns why statements cannot be kept at present, with code NoAudit: as
// long as that is so nothing new shall be accepted.
func (m *Manager) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

func (m *Manager) setErr(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case err == nil && m.err != nil:
		m.o.Logger.Info("audit goes on")
	case err != nil && m.err == nil:
		m.o.Logger.Error("audit cannot be written; nothing new is accepted", "error", err)
	}
	m.err = nil
	if err != nil {
		m.err = &sutler.Error{Code: sutler.NoAudit, Err: fmt.Errorf("audit cannot be written: %w", err)}
	}
}

// Run does the manager's work until ctx ends; then it signs what is there.
func (m *Manager) Run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	long := time.Time{}
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			_ = m.Sign(last, true)
			for _, l := range m.adopted {
				_ = m.o.Store.Release(last, l)
			}
			return
		}
		m.log("sign the heads of the log", m.Sign(ctx, false))
		m.log("look for dead engines", m.TakeOver(ctx))
		_, err := m.o.Recover.RecoverDue(ctx)
		m.log("go on with paused transactions", err)
		if now := m.o.Now(); now.Sub(long) >= longRound {
			long = now
			more, err := m.Retain(ctx)
			m.log("cut off what is old", err)
			if more {
				long = now.Add(shortRound - longRound)
			}
			m.log("run audit commands", m.RunCommands(ctx))
		}
	}
}

func (m *Manager) log(what string, err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		m.o.Logger.Warn("cannot "+what, "error", err)
	}
}

// Sign signs the heads of the chains that have grown, if it is time to, or at
// once with now, and keeps the statement in the database and the anchor.
func (m *Manager) Sign(ctx context.Context, now bool) error {
	err := m.sign(ctx, now)
	if sutler.CodeOf(err) == sutler.LogRefused { // the lease is being renewed
		return err
	}
	m.setErr(err)
	return err
}

func (m *Manager) sign(ctx context.Context, now bool) error {
	if err := m.anchor(); err != nil {
		return err
	}
	heads, err := m.o.Store.Heads(ctx)
	if err != nil {
		return err
	}
	var s Statement
	for _, h := range heads {
		if h.Number > m.signed[h.Lease.Fence] && h.Number > h.Cut {
			s.Heads = append(s.Heads, headOf(h.Lease, h.Number, h.Link))
		}
	}
	at, written := m.o.Now(), m.o.Store.Written()
	if len(s.Heads) == 0 || !now && written-m.lastOf < signMany && at.Sub(m.lastAt) < signAfter {
		return nil
	}
	if err := m.state(ctx, s); err != nil {
		return err
	}
	m.lastAt, m.lastOf = at, written
	return nil
}

// state signs and keeps a statement.
func (m *Manager) state(ctx context.Context, s Statement) error {
	s.Number, s.Before, s.At = m.number+1, m.before, m.o.Now().UTC()
	line, err := Sign(s, m.o.Key)
	if err != nil {
		return err
	}
	if err := m.o.Store.PutCheckpoint(ctx, m.o.Lease(), line); err != nil {
		return err
	}
	m.pending = line
	m.take(line)
	return m.anchor()
}

// anchor writes the statement that the anchor lacks.
func (m *Manager) anchor() error {
	if m.pending == nil {
		return nil
	}
	if err := appendLine(m.o.Anchor, m.pending); err != nil {
		return err
	}
	m.pending = nil
	return nil
}

// TakeOver lets the engine go on with what dead engines left unfinished. Their
// leases are renewed until nothing is left, and end then.
func (m *Manager) TakeOver(ctx context.Context) error {
	engines, err := m.o.Store.Engines(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range engines {
		if e.Name == m.o.Lease().Engine {
			continue
		}
		if l, mine := m.adopted[e.Name]; mine {
			errs = append(errs, m.keepAdopted(ctx, l))
			continue
		}
		if e.Alive {
			continue
		}
		left, err := m.o.Store.Unfinished(ctx, e.Name, "", 1)
		if err != nil || len(left) == 0 {
			errs = append(errs, err)
			continue
		}
		l, err := m.o.Store.TakeOver(ctx, e.Name, e.Fence, m.o.Lease().Engine)
		if sutler.CodeOf(err) == sutler.Conflict {
			continue // another manager was faster, or it lives again
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		m.o.Logger.Warn("dead engine taken over", "engine", string(e.Name), "seen", e.Seen)
		m.adopted[e.Name] = l
		errs = append(errs, m.recoverAdopted(ctx, l))
	}
	return errors.Join(errs...)
}

// recoverAdopted recovers under the lease of a dead engine, which is renewed meanwhile.
func (m *Manager) recoverAdopted(ctx context.Context, l sutler.Lease) error {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				m.log("renew the lease of a dead engine", m.o.Store.Renew(ctx, l))
			case <-done:
				return
			}
		}
	})
	err := m.o.Recover.RecoverAll(ctx, l)
	close(done)
	wg.Wait()
	return errors.Join(err, m.keepAdopted(ctx, l))
}

// keepAdopted ends the lease of a dead engine that has nothing unfinished, or
// renews it.
func (m *Manager) keepAdopted(ctx context.Context, l sutler.Lease) error {
	left, err := m.o.Store.Unfinished(ctx, l.Engine, "", 1)
	if err != nil {
		return err
	}
	if len(left) == 0 {
		delete(m.adopted, l.Engine)
		return m.o.Store.Release(ctx, l)
	}
	err = m.o.Store.Renew(ctx, l)
	if sutler.CodeOf(err) == sutler.LogRefused { // it lives again, or another one has it
		delete(m.adopted, l.Engine)
		return nil
	}
	return err
}

// Retain cuts off what the retention settings do not ask for any more, for
// a limited time; more tells that there was not enough of it. Transactions
// that must stay are carried forward first, and a signed statement says what
// goes.
func (m *Manager) Retain(ctx context.Context) (more bool, err error) {
	stored, err := m.o.Store.Settings(ctx)
	if err != nil {
		return false, err
	}
	set := sutler.AuditSettingsOf(stored)
	now := m.o.Now()
	before, auditBefore := now.Add(-set.LogRetention), now.Add(-set.AuditRetention)
	living, err := m.livingChains(ctx)
	if err != nil {
		return false, err
	}
	heads, err := m.o.Store.Heads(ctx)
	if err != nil {
		return false, err
	}
	deadline := now.Add(cutTime)
	var errs []error
	for _, h := range heads {
		if living[h.Lease.Fence] {
			continue
		}
		for ctx.Err() == nil {
			if more = !m.o.Now().Before(deadline); more {
				break
			}
			p, err := m.o.Store.Piece(ctx, h, before, auditBefore, pieceRows)
			if err != nil || p.Number == h.Cut || p.Damaged {
				errs = append(errs, err)
				break
			}
			if cut, err := m.cut(ctx, p); err != nil || !cut {
				errs = append(errs, err)
				break
			}
			h.Cut, h.CutTo = p.Number, p.Link
		}
	}
	return more, errors.Join(append(errs, m.o.Store.ForgetClients(ctx, before))...)
}

// livingChains returns the chains that other living engines still write.
func (m *Manager) livingChains(ctx context.Context) (map[int64]bool, error) {
	engines, err := m.o.Store.Engines(ctx)
	if err != nil {
		return nil, err
	}
	living := map[int64]bool{}
	for _, e := range engines {
		if e.Alive && e.Name != m.o.Lease().Engine {
			living[e.Fence] = true
		}
	}
	return living, nil
}

// cut cuts off a piece, unless too much of it must stay.
func (m *Manager) cut(ctx context.Context, p sutler.Piece) (bool, error) {
	if 100*len(p.Kept) > fewKept*p.Transactions {
		return false, nil
	}
	for _, id := range slices.Concat(p.Unfinished, p.Kept) {
		if err := m.o.Recover.Carry(ctx, m.o.Lease(), id); err != nil {
			if sutler.CodeOf(err) == sutler.Conflict { // it runs
				return false, nil
			}
			return false, err
		}
	}
	if err := m.state(ctx, Statement{Cuts: []Head{headOf(p.Lease, p.Number, p.Link)}}); err != nil {
		m.setErr(err)
		return false, err
	}
	if err := m.o.Store.Cut(ctx, p); err != nil {
		return false, err
	}
	m.o.Logger.Info("log cut", "engine", string(p.Lease.Engine), "chain", p.Lease.Fence, "upTo", p.Number, "carried", len(p.Unfinished)+len(p.Kept))
	return true, nil
}

// RunCommands runs what transactions left for the audit database. One that
// fails is tried again, with growing pauses, and the others go on.
func (m *Manager) RunCommands(ctx context.Context) error {
	if m.o.Commands == nil {
		return nil
	}
	stored, err := m.o.Store.Settings(ctx)
	if err != nil {
		return err
	}
	longest := sutler.AuditSettingsOf(stored).BadCommandDelay
	for ctx.Err() == nil {
		const some = 100
		all, err := m.o.Store.Pending(ctx, m.o.Now(), some)
		if err != nil || len(all) == 0 {
			return err
		}
		for _, c := range all {
			if err := m.o.Commands.Run(ctx, c); err != nil {
				pause := longest
				if c.Tries < 20 {
					pause = min(longest, firstRetry<<c.Tries)
				}
				m.o.Logger.Error("audit command failed", "transaction", string(c.Transaction), "call", c.Seq, "tries", c.Tries+1, "error", err)
				if err := m.o.Store.FailCommand(ctx, c, m.o.Now().Add(pause), err.Error()); err != nil {
					return err
				}
				continue
			}
			if err := m.o.Store.DropCommand(ctx, c); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}
