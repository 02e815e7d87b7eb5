package sutlertest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"sutler"
	"sutler/xmltree"
)

// World is what a provider acts on. TestProvider makes a fresh one for each run.
type World interface {
	// Provider returns a provider that acts on this world. It is asked again
	// after each crash and may return a new one, as a new process would make it.
	Provider() sutler.Provider
	// Snapshot returns everything in this world, hidden things too, as text
	// that is the same when the state is the same.
	Snapshot(t *testing.T) string
}

// Crasher is a World whose provider keeps something between calls, such as an
// open database transaction. Between the phases of an undisturbed call such a
// World returns the same provider.
type Crasher interface {
	// Crash makes the world lose its provider as a dead process would; Provider
	// then returns a new one. The old one may still be in the middle of a call.
	Crash(t *testing.T)
}

// ProviderCase is one call that a provider must carry out and undo.
type ProviderCase[W World] struct {
	Name      string // name of the test; empty: the procedure
	Procedure string
	Type      sutler.ProcedureType    // as in the namespace; zero: Write
	Context   string                  // XML of further children of the element context
	Data      string                  // XML of the children of executeData
	Enlists   bool                    // the call enlists, and so has all phases, whatever its type
	SaveData  bool                    // the namespace says saveDataForRollback
	Setup     func(t *testing.T, w W) // makes the world as it is before; nil: nothing

	Identity sutler.Identity // as whom the call runs; zero: the service account sutler
	ActsAs   string          // the account that an Actor must tell; empty: that of Identity

	Code   sutler.Code // what Process fails with, leaving the world as it was; OK: it succeeds
	Text   string      // what the text of that error must hold
	Want   string      // snapshot after all phases; empty: not compared
	Output string      // XML of the children of executeData after Process; empty: not compared

	Bystanders []Bystander[W]
}

// Bystander is somebody outside who acts on the same world in the middle of a call.
type Bystander[W World] struct {
	Name string
	Act  func(t *testing.T, w W)
	// Left fails the test when what Act did is no longer there. The call may
	// fail, and so may its rollback, but it must not destroy that.
	Left func(t *testing.T, w W)
}

// TestProvider runs the conformance suite of providers. For each case, each
// time in a fresh world, it checks that
//
//   - Process, then for two-phase and enlisted calls Prepare and Commit, give what the case
//     wants, and Commit may repeat;
//   - Process, Rollback leaves the world as it was, before Prepare and after
//     it, after a death there too, and Rollback may repeat;
//   - after Process of an enlisted call the world is as it was;
//   - when a Flush fails, Process fails and nothing has happened;
//   - when the process dies at a Flush, before the data are durable or after,
//     or after Process before "done" is durable, the durable rollback data
//     bring the world back, and the abandoned call does no harm when it wakes;
//   - a context cancelled before the call or at a Flush leaves nothing half done;
//   - what a bystander does at each Flush, or between Process and Rollback or
//     Commit, survives the undoing;
//   - in a world that is an Actor, each phase of a case with an Identity or
//     ActsAs acts as that account and as nobody else, in the process that did the
//     work and after its death, and neither rollback data nor output hold its
//     password. A case with Code sutler.Denied and without ActsAs is one of an
//     identity that the provider refuses: it must not act at all;
//   - what a calling user's call did is, after a death, undone, prepared,
//     committed and probed with the identity service where the provider declares
//     UndoAsService, and must act as before. Where it does not, it is not asked.
//
// A call without an answer is settled as the provider declares; where it says
// sutler.Operator there is nothing to check. Cases run in parallel, the runs of
// one case one after the other, so worlds must not touch each other.
func TestProvider[W World](t *testing.T, newWorld func(t *testing.T) W, cases []ProviderCase[W]) {
	t.Helper()
	for _, c := range cases {
		if c.Name == "" {
			c.Name = c.Procedure
		}
		if c.Type == 0 {
			c.Type = sutler.Write
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			s := &suite[W]{newWorld: newWorld, c: c}
			if c.Code != sutler.OK {
				t.Run("fails", s.fails)
				return
			}
			t.Run("whole", s.whole)
			t.Run("cancelled", s.cancelled)
			if s.states() {
				t.Run("identity", s.identity)
			}
			if s.reads() || t.Failed() {
				return
			}
			t.Run("undone", s.undone)
			t.Run("flush refused", s.refused)
			t.Run("crash", s.crash)
			for _, b := range c.Bystanders {
				t.Run("bystander "+b.Name, func(t *testing.T) { s.bystander(t, b) })
			}
		})
	}
}

// suite runs one case. flushes is how often Process flushes when nothing goes
// wrong; whole finds it out.
type suite[W World] struct {
	newWorld func(t *testing.T) W
	c        ProviderCase[W]
	flushes  int
}

// reads reports whether the call has no effect, commits whether it has one
// that Prepare and Commit finish.
func (s *suite[W]) reads() bool   { return s.c.Type == sutler.Read && !s.c.Enlists }
func (s *suite[W]) commits() bool { return s.c.Type == sutler.TwoPhase || s.c.Enlists }

// lose ends the provider of w as the death of its process would, which the
// calling user of a does not outlive.
func (s *suite[W]) lose(t *testing.T, w W, a *attempt) {
	t.Helper()
	if c, ok := World(w).(Crasher); ok {
		c.Crash(t)
	}
	a.gone = s.calls()
}

// calls reports whether the call runs as the calling user.
func (s *suite[W]) calls() bool { return s.c.Identity.Kind == sutler.CallingUser }

// outlives reports whether what the call did can be undone after a death.
func (s *suite[W]) outlives(w W) bool {
	return !s.calls() || traits(w.Provider(), s.c.Procedure).UndoAsService
}

// start makes a world as it is before the call.
func (s *suite[W]) start(t *testing.T) (w W, before string) {
	t.Helper()
	w = s.newWorld(t)
	if s.c.Setup != nil {
		s.c.Setup(t, w)
	}
	return w, w.Snapshot(t)
}

func (s *suite[W]) whole(t *testing.T) {
	w, before := s.start(t)
	a := s.attempt(t, w)
	s.process(t, a)
	s.flushes = a.flushes
	if s.c.Output != "" {
		compareXML(t, "executeData after Process", a.call.Data, s.c.Output)
	}
	if s.reads() {
		same(t, "world after a read", before, w.Snapshot(t))
		return
	}
	if traits(w.Provider(), s.c.Procedure).Flushes && a.flushes == 0 {
		t.Errorf("Process did not flush though Traits says so")
	}
	if a.call.Rollback.Enlisted() != s.c.Enlists {
		t.Errorf("the call has enlisted: %v, want %v", !s.c.Enlists, s.c.Enlists)
	}
	if s.c.Enlists {
		if !traits(w.Provider(), s.c.Procedure).Enlists {
			t.Errorf("the call enlists and Traits does not say so")
		}
		same(t, "world after Process of an enlisted call", before, w.Snapshot(t))
	}
	if s.commits() {
		s.phase(t, w, a, "Prepare")
		if s.c.Enlists { // another call of the same connection comes to it, too
			s.phase(t, w, a, "Prepare")
		}
		s.phase(t, w, a, "Commit")
		committed := w.Snapshot(t)
		s.phase(t, w, a, "Commit")
		same(t, "world after a second Commit", committed, w.Snapshot(t))
	}
	if s.c.Want != "" {
		same(t, "world after all phases", s.c.Want, w.Snapshot(t))
	}
}

func (s *suite[W]) fails(t *testing.T) {
	w, before := s.start(t)
	s.forget(t, w)
	a := s.attempt(t, w)
	err := w.Provider().Process(t.Context(), a.call)
	if s.c.Code == sutler.Denied && s.c.ActsAs == "" {
		s.nobodyActed(t, w)
	} else {
		s.acted(t, w, "Process", false)
	}
	if got := sutler.CodeOf(err); got != s.c.Code {
		t.Fatalf("Process = %v (%v), want code %v", err, got, s.c.Code)
	}
	if !strings.Contains(err.Error(), s.c.Text) {
		t.Errorf("Process = %q, want a text with %q", err, s.c.Text)
	}
	if secret := s.c.Identity.Secret; !secret.Empty() && strings.Contains(err.Error(), secret.Reveal()) {
		t.Errorf("the error of Process holds the password")
	}
	same(t, "world after a failed Process", before, w.Snapshot(t))
	if a.flushes > 0 { // the engine may die before it has noted the failure
		s.phase(t, w, a, "Rollback")
		same(t, "world after the rollback of a failed Process", before, w.Snapshot(t))
	}
}

func (s *suite[W]) cancelled(t *testing.T) {
	for n := 0; n <= s.flushes; n++ { // 0: before the call
		w, before := s.start(t)
		a := s.attempt(t, w)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if a.meetAt, a.meet = n, cancel; n == 0 {
			cancel()
		}
		if err := w.Provider().Process(ctx, a.call); err == nil && !s.reads() {
			s.phase(t, w, a.done(), "Rollback")
		}
		same(t, fmt.Sprintf("world after a call cancelled at flush %d", n), before, w.Snapshot(t))
	}
}

func (s *suite[W]) undone(t *testing.T) {
	for _, prepared := range []bool{false, true} {
		if prepared && !s.commits() {
			break
		}
		w, before := s.start(t)
		a := s.attempt(t, w)
		s.process(t, a)
		if prepared {
			s.phase(t, w, a, "Prepare")
		}
		s.phase(t, w, a, "Rollback")
		same(t, "world after Rollback", before, w.Snapshot(t))
		s.phase(t, w, a, "Rollback")
		same(t, "world after a second Rollback", before, w.Snapshot(t))
	}
}

func (s *suite[W]) refused(t *testing.T) {
	for n := 1; n <= s.flushes; n++ {
		w, before := s.start(t)
		a := s.attempt(t, w)
		a.refuseAt = n
		err := w.Provider().Process(t.Context(), a.call)
		if !errors.Is(err, errRefused) {
			t.Errorf("Process = %v, want the error of flush %d", err, n)
		}
		same(t, fmt.Sprintf("world after flush %d failed", n), before, w.Snapshot(t))
		s.settle(t, w, a)
		same(t, fmt.Sprintf("world after flush %d failed and rollback", n), before, w.Snapshot(t))
	}
}

func (s *suite[W]) crash(t *testing.T) {
	for n := 1; n <= s.flushes; n++ {
		for _, durable := range []bool{false, true} {
			where := fmt.Sprintf("flush %d, its data durable: %v", n, durable)
			w, before := s.start(t)
			if !s.canSettle(w) || !s.outlives(w) {
				return
			}
			a := s.attempt(t, w)
			wake := a.dieAt(a.provider, n, durable)
			s.lose(t, w, a)
			s.settle(t, w, a)
			same(t, "world after death at "+where, before, w.Snapshot(t))
			if err := wake(); err == nil {
				t.Errorf("an abandoned Process succeeded after %s", where)
			}
			s.settle(t, w, a)
			same(t, "world after the abandoned call woke, "+where, before, w.Snapshot(t))
		}
	}
	w, before := s.start(t)
	if !s.canSettle(w) || !s.outlives(w) {
		return
	}
	a := s.attempt(t, w)
	if err := a.provider.Process(t.Context(), a.call); err != nil {
		t.Fatalf("Process = %v", err)
	}
	s.lose(t, w, a)
	s.settle(t, w, a)
	same(t, "world after death behind Process", before, w.Snapshot(t))
	s.settle(t, w, a)
	same(t, "world after a second rollback", before, w.Snapshot(t))
	if !s.commits() {
		return
	}
	w, before = s.start(t)
	a = s.attempt(t, w)
	s.process(t, a)
	s.phase(t, w, a, "Prepare")
	s.lose(t, w, a)
	for range 2 {
		s.phase(t, w, a, "Rollback")
		same(t, "world after death behind Prepare", before, w.Snapshot(t))
	}
}

func (s *suite[W]) bystander(t *testing.T, b Bystander[W]) {
	for n := 1; n <= s.flushes; n++ {
		w, _ := s.start(t)
		a := s.attempt(t, w)
		a.meetAt, a.meet = n, func() { b.Act(t, w) }
		if err := w.Provider().Process(t.Context(), a.call); err != nil {
			b.Left(t, w)
		} else {
			a.done()
		}
		for range 2 {
			s.tryPhase(t, w, a, "Rollback")
			b.Left(t, w)
		}

		w, _ = s.start(t)
		if !s.canSettle(w) {
			continue
		}
		a = s.attempt(t, w)
		a.meetAt, a.meet = n, func() { b.Act(t, w) }
		wake := a.dieAt(w.Provider(), n, true)
		s.trySettle(t, w, a)
		b.Left(t, w)
		wake()
		b.Left(t, w)
	}
	w, _ := s.start(t)
	a := s.attempt(t, w)
	s.process(t, a)
	b.Act(t, w)
	for range 2 {
		s.tryPhase(t, w, a, "Rollback")
		b.Left(t, w)
	}
}

// process runs Process, which must succeed.
func (s *suite[W]) process(t *testing.T, a *attempt) {
	t.Helper()
	if err := a.provider.Process(t.Context(), a.call); err != nil {
		t.Fatalf("Process = %v (%v)", err, sutler.CodeOf(err))
	}
	a.done()
}

// phase runs a later phase, which must succeed.
func (s *suite[W]) phase(t *testing.T, w W, a *attempt, phase string) {
	t.Helper()
	if err := s.tryPhase(t, w, a, phase); err != nil {
		t.Fatalf("%s = %v (%v)", phase, err, sutler.CodeOf(err))
	}
}

// tryPhase runs a later phase the way an engine does after a restart: with
// nothing but what the log holds.
func (s *suite[W]) tryPhase(t *testing.T, w W, a *attempt, phase string) error {
	t.Helper()
	c := s.again(t, a)
	if !s.c.SaveData {
		c.Data = nil
	}
	p := w.Provider()
	if phase == "Rollback" {
		return p.Rollback(t.Context(), c)
	}
	two, ok := p.(sutler.TwoPhaseProvider)
	if !ok {
		t.Fatalf("the provider is no TwoPhaseProvider")
	}
	if phase == "Prepare" {
		return two.Prepare(t.Context(), c)
	}
	return two.Commit(t.Context(), c)
}

// settle undoes a call without an answer as the provider declares.
func (s *suite[W]) settle(t *testing.T, w W, a *attempt) {
	t.Helper()
	if err := s.trySettle(t, w, a); err != nil {
		t.Fatalf("rollback of a call without an answer = %v (%v)", err, sutler.CodeOf(err))
	}
}

func (s *suite[W]) trySettle(t *testing.T, w W, a *attempt) error {
	t.Helper()
	declared := traits(w.Provider(), s.c.Procedure)
	if declared.Flushes && a.saved == 0 {
		return nil // no record, so nothing may have happened
	}
	if declared.NoAnswer == sutler.Probe {
		outcome, err := s.probe(t, w, a)
		if err != nil {
			return err
		}
		if outcome == sutler.Unknown {
			return errors.New("the probe does not know the outcome")
		}
		if outcome == sutler.NoEffect {
			return nil
		}
	}
	return s.tryPhase(t, w, a, "Rollback")
}

// probe asks after a call as an engine does after a restart.
func (s *suite[W]) probe(t *testing.T, w W, a *attempt) (sutler.Outcome, error) {
	t.Helper()
	c := s.again(t, a)
	return w.Provider().(sutler.Prober).Probe(t.Context(), c)
}

// canSettle reports whether a call without an answer is not left to an operator.
func (s *suite[W]) canSettle(w W) bool {
	return traits(w.Provider(), s.c.Procedure).NoAnswer != sutler.Operator
}

func (s *suite[W]) newCall(t *testing.T) *sutler.Call {
	t.Helper()
	c := call(t, s.c.Procedure, s.c.Type, s.c.Context, s.c.Data)
	if s.c.Identity.Kind != "" {
		c.Identity = s.c.Identity
	}
	return c
}

// again returns the call of a for a later phase.
func (s *suite[W]) again(t *testing.T, a *attempt) *sutler.Call {
	t.Helper()
	c := s.newCall(t)
	c.Rollback = sutler.NewRollbackData(a.durable, nil)
	if a.gone {
		c.Identity = sutler.Identity{Kind: sutler.ServiceAccount}
	}
	return c
}

// attempt is one call of Process together with what the log would hold of it.
type attempt struct {
	provider sutler.Provider
	call     *sutler.Call

	flushes int           // how often Process flushed
	saved   int           // how many of them are durable
	durable []sutler.Pair // what the newest durable one held
	gone    bool          // so is the calling user

	refuseAt int // this flush fails
	meetAt   int // at this flush meet is called
	meet     func()

	hangAt  int // at this flush the process dies,
	keep    bool
	reached chan struct{}
	release chan struct{}
}

var errRefused = errors.New("the log refuses this record")

func (s *suite[W]) attempt(t *testing.T, w W) *attempt {
	t.Helper()
	a := &attempt{provider: w.Provider(), call: s.newCall(t)}
	a.call.Rollback = sutler.NewRollbackData(nil, a.flush)
	return a
}

func (a *attempt) flush(_ context.Context, pairs []sutler.Pair) error {
	a.flushes++
	if a.flushes == a.meetAt {
		a.meet()
	}
	if a.flushes == a.refuseAt {
		return errRefused
	}
	if a.hangAt != 0 && a.flushes >= a.hangAt {
		if a.flushes == a.hangAt {
			if a.keep {
				a.saved, a.durable = a.saved+1, pairs
			}
			close(a.reached)
			<-a.release
		}
		return sutler.ErrAbandoned
	}
	a.saved, a.durable = a.saved+1, pairs
	return nil
}

// done makes the last rollback data durable, as the record "step done" does.
func (a *attempt) done() *attempt {
	a.durable = a.call.Rollback.Pairs()
	return a
}

// dieAt runs Process until its n-th Flush and leaves it there, as a dead
// process or an abandoned call is left. The function it returns lets the call
// go on with a Flush that has failed, and returns how it ended.
func (a *attempt) dieAt(p sutler.Provider, n int, durable bool) (wake func() error) {
	a.hangAt, a.keep = n, durable
	a.reached, a.release = make(chan struct{}), make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		err := errors.New("Process was left by a failing test")
		defer func() { ended <- err }()
		err = p.Process(context.Background(), a.call)
	}()
	select {
	case <-a.reached:
		return func() error {
			close(a.release)
			return <-ended
		}
	case err := <-ended:
		return func() error { return err }
	}
}

func traits(p sutler.Provider, procedure string) sutler.Traits {
	if d, ok := p.(sutler.Describer); ok {
		t, _ := d.Traits(procedure)
		return t
	}
	return sutler.Traits{}
}

// NewCall returns a call of procedure with data, the XML of the children of
// executeData. Its rollback data are never made durable.
func NewCall(t testing.TB, procedure, data string) *sutler.Call {
	t.Helper()
	return call(t, procedure, sutler.Write, "", data)
}

// NewCallIn is NewCall with further children of the element context.
func NewCallIn(t testing.TB, procedure, context, data string) *sutler.Call {
	t.Helper()
	return call(t, procedure, sutler.Write, context, data)
}

func call(t testing.TB, procedure string, typ sutler.ProcedureType, more, data string) *sutler.Call {
	t.Helper()
	const tx = "{3F0C5B7E-0000-4000-8000-000000000001}"
	src := `<executeXml><context><transactionContext transactionId="` + tx + `"/>` + more +
		`<executeContext/></context><executeData>` + data + `</executeData></executeXml>`
	d, err := xmltree.Parse([]byte(src), xmltree.Options{File: "call.xml", DropSpace: true})
	if err != nil {
		t.Fatalf("cannot read the call: %v", err)
	}
	top := d.DocumentElement()
	about := top.Child("context").Child("executeContext")
	c := &sutler.Call{
		Transaction: tx, Seq: 7, Namespace: "Test", Procedure: procedure, ProviderSource: "test", Type: typ,
		Identity: sutler.Identity{Kind: sutler.ServiceAccount, Account: "sutler"},
		Started:  time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC),
		Context:  top.Child("context"), Data: top.Child("executeData"),
		Rollback: sutler.NewRollbackData(nil, nil), Bag: &sutler.Bag{},
	}
	for _, a := range [][2]string{
		{"namespace", c.Namespace}, {"procedure", c.Procedure}, {"providerSource", c.ProviderSource},
		{"procedureExecId", fmt.Sprint(c.Seq)}, {"type", c.Type.String()},
	} {
		about.SetAttr(xmltree.Name{Local: a[0]}, a[1])
	}
	return c
}

// compareXML fails the test unless the children of got are those of the XML want.
func compareXML(t *testing.T, what string, got *xmltree.Node, want string) {
	t.Helper()
	d, err := xmltree.Parse([]byte("<executeData>"+want+"</executeData>"), xmltree.Options{DropSpace: true})
	if err != nil {
		t.Fatalf("cannot read what is wanted: %v", err)
	}
	same(t, what, xmltree.Canonical(d.DocumentElement()), xmltree.Canonical(got))
}

func same(t *testing.T, what, want, got string) {
	t.Helper()
	if got != want {
		t.Fatalf("%s:\n%s\nwant:\n%s", what, got, want)
	}
}
