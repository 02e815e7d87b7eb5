package sutlertest

import (
	"slices"
	"strings"
	"testing"

	"sutler"
)

// Actor is a World that can tell as whom its provider has acted on it. With it
// TestProvider checks that cases which state an Identity act as that alone.
type Actor interface {
	// ActedAs returns the accounts of this world as which the provider has done
	// something since ActedAs was asked last, if it was; nobody else, such as
	// Snapshot, is among them. The order and repetitions do not matter. It is
	// asked between calls, and may make Provider return another one.
	ActedAs(t *testing.T) []string
}

// actsAs is whom an Actor must tell: only this one.
func (c *ProviderCase[W]) actsAs() string {
	if c.ActsAs != "" {
		return c.ActsAs
	}
	return c.Identity.Account
}

// states reports whether the case says as whom it acts, and worlds can tell.
func (s *suite[W]) states() bool {
	var w W
	_, ok := World(w).(Actor)
	return ok && (s.c.Identity.Kind != "" || s.c.ActsAs != "")
}

// forget lets what was done so far be nobody's.
func (s *suite[W]) forget(t *testing.T, w W) {
	t.Helper()
	if s.states() {
		World(w).(Actor).ActedAs(t)
	}
}

// acted checks as whom what has been done since the last check.
func (s *suite[W]) acted(t *testing.T, w W, phase string, must bool) {
	t.Helper()
	if !s.states() {
		return
	}
	who := World(w).(Actor).ActedAs(t)
	if len(who) == 0 && must {
		t.Errorf("%s acted as nobody, want %q", phase, s.c.actsAs())
	}
	slices.Sort(who)
	for _, got := range slices.Compact(who) {
		if got != s.c.actsAs() {
			t.Errorf("%s acted as %q, want %q", phase, got, s.c.actsAs())
		}
	}
}

// nobodyActed checks that what failed has acted as nobody.
func (s *suite[W]) nobodyActed(t *testing.T, w W) {
	t.Helper()
	if !s.states() {
		return
	}
	if who := World(w).(Actor).ActedAs(t); len(who) > 0 {
		t.Errorf("a refused Process acted as %q", who)
	}
}

// begin makes a world in which the call is processed.
func (s *suite[W]) begin(t *testing.T) (W, *attempt) {
	t.Helper()
	w, _ := s.start(t)
	s.forget(t, w)
	a := s.attempt(t, w)
	s.process(t, a)
	s.acted(t, w, "Process", true)
	return w, a
}

// identity checks each phase.
func (s *suite[W]) identity(t *testing.T) {
	w, a := s.begin(t)
	if secret := s.c.Identity.Secret; !secret.Empty() {
		for _, p := range a.durable {
			if strings.Contains(p.Value, secret.Reveal()) {
				t.Errorf("the rollback datum %s holds the password", p.Name)
			}
		}
		if strings.Contains(a.call.Data.String(), secret.Reveal()) {
			t.Errorf("executeData after Process holds the password")
		}
	}
	if s.reads() {
		return
	}
	s.phase(t, w, a, "Rollback") // so that nothing is left open
	s.phases(t, false)
	if s.outlives(w) {
		s.phases(t, true)
	}
}

// phases checks the later phases; with dies in a process that has nothing left
// of those before, and so must turn to the outside system anew.
func (s *suite[W]) phases(t *testing.T, dies bool) {
	lose := func(w W, a *attempt) {
		if dies {
			s.lose(t, w, a)
		}
	}
	w, a := s.begin(t)
	lose(w, a)
	s.phase(t, w, a, "Rollback")
	s.acted(t, w, "Rollback", dies) // while it lives there may be nothing to do
	if traits(w.Provider(), s.c.Procedure).NoAnswer == sutler.Probe {
		w, a = s.begin(t)
		lose(w, a)
		outcome, err := s.probe(t, w, a)
		if err != nil || outcome == sutler.Unknown {
			t.Errorf("Probe = %v, %v", outcome, err)
		}
		s.acted(t, w, "Probe", dies)
		s.phase(t, w, a, "Rollback")
	}
	if !s.commits() {
		return
	}
	w, a = s.begin(t)
	s.phase(t, w, a, "Prepare")
	s.acted(t, w, "Prepare", false) // there may be nothing to do
	if last := slices.ContainsFunc(a.durable, func(p sutler.Pair) bool { return p.Name == sutler.CommitsLast }); !last {
		lose(w, a) // what commits last would be lost, too
		s.phase(t, w, a, "Prepare")
		s.acted(t, w, "a second Prepare", false)
	}
	s.phase(t, w, a, "Commit")
	s.acted(t, w, "Commit", true)
	lose(w, a)
	s.phase(t, w, a, "Commit")
	s.acted(t, w, "a second Commit", false)

	w, a = s.begin(t)
	s.phase(t, w, a, "Prepare")
	lose(w, a)
	s.acted(t, w, "Prepare", false)
	s.phase(t, w, a, "Rollback")
	s.acted(t, w, "Rollback after Prepare", dies)
}
