package crash_test

import (
	"context"
	"os"
	"slices"
	"testing"

	"sutler"
	"sutler/sutlertest"
)

// death is where and how a log dies.
type death struct {
	at    int
	after bool
}

func (d death) let(log *sutlertest.Log) {
	if d.after {
		log.DieAfter(d.at)
		return
	}
	log.DieBefore(d.at)
}

// TestCrashLog lets the log die at every commit of every scenario, before and
// after it, and again at every commit of the recovery.
func TestCrashLog(t *testing.T) {
	points := 0
	for _, s := range scenarios(t) {
		t.Run(s.name, func(t *testing.T) {
			n := s.everyDeath(t, nil, nil, func(point string, bad []string) {
				for _, b := range bad {
					t.Errorf("%s: %s", point, b)
				}
			})
			points += n
		})
	}
	t.Logf("%d points", points)
	if want := 3_000; points < want && step == 1 {
		t.Errorf("only %d points, want %d: the scenarios are too few to show anything", points, want)
	}
}

// step is 1, or how many deaths are passed over under the race detector.
var step = func() int {
	if raceEnabled && os.Getenv("SUTLER_SOAK") == "" {
		return 23
	}
	return 1
}()

// everyDeath runs the scenario with every death and every death of the
// recovery, and calls found for each. wrapLog and wrapProvider stand between
// the engine and what it uses, to plant bugs; nil for none.
func (s *scenario) everyDeath(t testing.TB, wrapLog func(sutlertest.Leaser) sutlertest.Leaser, wrapProvider func(sutler.Provider) sutler.Provider, found func(point string, bad []string)) (points int) {
	t.Helper()
	whole, commits := s.undisturbed(t)
	for n := 1; n <= commits; n++ {
		for _, after := range []bool{false, true} {
			first := death{n, after}
			recovery := s.deaths(t, first, nil, whole, wrapLog, wrapProvider, &points, found)
			for m := 1; m <= recovery; m++ {
				for _, after := range []bool{false, true} {
					s.deaths(t, first, &death{m, after}, whole, wrapLog, wrapProvider, &points, found)
				}
			}
		}
	}
	return points
}

// undisturbed returns the effects of a run without a death and its commits.
func (s *scenario) undisturbed(t testing.TB) (whole []string, commits int) {
	t.Helper()
	log := sutlertest.NewLog()
	w := newWorld(log)
	count := 0
	l, err := s.start(log, w, &count)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = s.submit(l)
	w.Release()
	commits = log.Commits()
	for range s.pauses {
		if l, err = s.start(log, w, &count); err != nil {
			t.Fatal(err)
		}
		_ = l.RecoverAll(context.Background(), l.lease)
	}
	return w.Effects(), commits
}

// deaths runs the scenario with one death, or with a second one in the
// recovery, recovers, and looks for violations. It returns how many commits
// the recovery made.
func (s *scenario) deaths(t testing.TB, first death, second *death, whole []string, wrapLog func(sutlertest.Leaser) sutlertest.Leaser, wrapProvider func(sutler.Provider) sutler.Provider, points *int, found func(string, []string)) int {
	t.Helper()
	if *points++; *points%step != 0 && !s.every {
		return 3
	}
	log := sutlertest.NewLog()
	w := newWorld(log)
	var used sutlertest.Leaser = log
	if wrapLog != nil {
		used = wrapLog(log)
	}
	var provider sutler.Provider = w
	if wrapProvider != nil {
		provider = wrapProvider(w)
	}
	count := 0
	begin := func() *life {
		l, err := s.start(used, provider, &count)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l := begin()
	first.let(log)
	var told answer
	told.resp, told.err = s.submit(l)
	w.Release()
	log.Revive()
	if second != nil {
		second.let(log)
		l = begin()
		_ = l.RecoverAll(context.Background(), l.lease)
		log.Revive()
	}
	before := log.Commits()
	for range 1 + len(s.pauses) {
		l = begin()
		if err := l.RecoverAll(context.Background(), l.lease); err != nil {
			t.Errorf("%s: recovery: %v", point(first, second), err)
		}
	}
	commits := log.Commits() - before
	records := log.All()
	var bad []string
	var tx *sutler.Transaction
	if len(records) > 0 {
		var err error
		if tx, err = sutler.Fold(records); err != nil {
			bad = append(bad, err.Error())
		}
	}
	if len(bad) == 0 {
		bad = violations(tx, records, w, told, whole)
	}
	if s.client && tx != nil && len(bad) == 0 {
		bad = s.again(l, tx, w)
	}
	l = begin() // a recovery after the recovery changes nothing
	now := log.Commits()
	if err := l.RecoverAll(context.Background(), l.lease); err != nil || log.Commits() != now && (tx == nil || tx.Status.Final()) {
		bad = append(bad, "recovery is not at an end")
	}
	found(point(first, second), bad)
	return commits
}

// again submits the request once more under the same clientTransactionId: it
// is answered as the first one was, and nothing is done.
func (s *scenario) again(l *life, tx *sutler.Transaction, w *world) []string {
	effects := w.Effects()
	resp, _ := s.submit(l)
	if resp == nil {
		return []string{"a repeated request has no response"}
	}
	var bad []string
	if !s.outsider && (!resp.Repeated || resp.Transaction != tx.ID || resp.Status != tx.Status) {
		bad = append(bad, "a repeated request is answered as "+string(resp.Transaction)+" "+string(resp.Status)+", and it is "+string(tx.ID)+" "+string(tx.Status))
	}
	if !slices.Equal(effects, w.Effects()) {
		bad = append(bad, "a repeated request has effects")
	}
	return bad
}

func point(first death, second *death) string {
	text := func(d death) string {
		if d.after {
			return "after commit " + itoa(d.at)
		}
		return "before commit " + itoa(d.at)
	}
	if second == nil {
		return text(first)
	}
	return text(first) + ", then " + text(*second) + " of the recovery"
}
