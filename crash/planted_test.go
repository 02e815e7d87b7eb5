package crash_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sutler"
	"sutler/sutlertest"
)

func itoa(n int) string { return strconv.Itoa(n) }

// early acts before it remembers: the record of its start becomes durable
// after the effect.
type early struct{ *world }

func (e early) Process(ctx context.Context, c *sutler.Call) error {
	flush := c.Rollback
	c.Rollback = sutler.NewRollbackData(nil, nil)
	err := e.world.Process(ctx, c)
	for _, p := range c.Rollback.Pairs() {
		flush.Set(p.Name, p.Value)
	}
	c.Rollback = flush
	if ferr := flush.Flush(ctx); err == nil {
		err = ferr
	}
	return err
}

// twice acts twice.
type twice struct{ *world }

func (p twice) Process(ctx context.Context, c *sutler.Call) error {
	if err := p.world.Process(ctx, c); err != nil {
		return err
	}
	return p.world.Process(ctx, c)
}

// stays does not undo anything, and says that it did.
type stays struct{ *world }

func (stays) Rollback(context.Context, *sutler.Call) error { return nil }

// losing is a log that loses records of one kind.
type losing struct {
	sutlertest.Leaser
	kind sutler.RecordKind
}

func (l losing) Append(ctx context.Context, lease sutler.Lease, rs ...sutler.Record) error {
	return l.Leaser.Append(ctx, lease, slices.DeleteFunc(slices.Clone(rs), func(r sutler.Record) bool { return r.Kind == l.kind })...)
}

// hasty is a log that acknowledges what it has not written: the last records
// of each transaction are written with the next ones.
type hasty struct {
	sutlertest.Leaser
	waiting *[]sutler.Record
}

func (h hasty) Append(ctx context.Context, lease sutler.Lease, rs ...sutler.Record) error {
	before := *h.waiting
	*h.waiting = slices.Clone(rs)
	if len(before) == 0 {
		return nil
	}
	return h.Leaser.Append(ctx, lease, before...)
}

// forwards is a log whose transactions are undone from first to last: the
// numbers of the calls are mirrored when they are read for recovery.
type forwards struct{ sutlertest.Leaser }

func (f forwards) Append(ctx context.Context, lease sutler.Lease, rs ...sutler.Record) error {
	rs = slices.Clone(rs)
	var undone []int
	for i := range rs {
		if rs[i].Kind == sutler.StepUndone {
			undone = append(undone, i)
		}
	}
	for i, j := 0, len(undone)-1; i < j; i, j = i+1, j-1 {
		rs[undone[i]], rs[undone[j]] = rs[undone[j]], rs[undone[i]]
	}
	return f.Leaser.Append(ctx, lease, rs...)
}

// TestPlantedBugs plants a bug of each kind and wants the harness to find it.
func TestPlantedBugs(t *testing.T) {
	all := scenarios(t)
	named := func(name string) *scenario {
		i := slices.IndexFunc(all, func(s *scenario) bool { return s.name == name })
		if i < 0 {
			t.Fatalf("there is no scenario %q", name)
		}
		return all[i]
	}
	for what, c := range map[string]struct {
		scenario string
		log      func(sutlertest.Leaser) sutlertest.Leaser
		provider func(sutler.Provider) sutler.Provider
		want     string
	}{
		"acts before it remembers": {"three-steps", nil, func(p sutler.Provider) sutler.Provider { return early{p.(*world)} }, "effects without a record"},
		"acts twice":               {"three-steps", nil, func(p sutler.Provider) sutler.Provider { return twice{p.(*world)} }, "made twice"},
		"does not undo":            {"nested-fail", nil, func(p sutler.Provider) sutler.Provider { return stays{p.(*world)} }, "rolled back and in the world are"},
		"a lost done record":       {"three-steps", func(l sutlertest.Leaser) sutlertest.Leaser { return losing{l, sutler.StepDone} }, nil, "has no outcome"},
		"a lost start record":      {"three-steps", func(l sutlertest.Leaser) sutlertest.Leaser { return losing{l, sutler.StepStarted} }, nil, "which never started"},
		"acknowledged too early":   {"three-steps", func(l sutlertest.Leaser) sutlertest.Leaser { return hasty{l, new([]sutler.Record)} }, nil, "effects without a record"},
		"undone forwards":          {"rollback-three", func(l sutlertest.Leaser) sutlertest.Leaser { return forwards{l} }, nil, "was undone after call"},
	} {
		t.Run(what, func(t *testing.T) {
			name := c.scenario
			if name == "rollback-three" {
				name = "undo-pauses"
			}
			hit := false
			rec := &recorder{TB: t}
			s := *named(name)
			s.every = true
			s.everyDeath(rec, c.log, c.provider, func(_ string, bad []string) {
				hit = hit || slices.ContainsFunc(bad, func(b string) bool { return strings.Contains(b, c.want) })
			})
			if !hit {
				t.Errorf("the harness does not find it")
			}
		})
	}
}

// recorder swallows the errors of a run with a planted bug.
type recorder struct{ testing.TB }

func (*recorder) Errorf(string, ...any) {}

// TestLyingProviders shows what no engine can promise: a provider that says
// done and has done nothing is believed, and what one left that says failed
// stays. The harness sees it in the world.
func TestLyingProviders(t *testing.T) {
	for says, want := range map[string]string{"done": "committed with []", "failed": "rolled back and in the world are [A]"} {
		s := &scenario{name: says, pauses: []time.Duration{}, namespaces: []sutler.Source{{File: "n.xml", Text: []byte(
			`<namespace name="Sys" providerSource="fake"><procedure name="A" type="write"/></namespace>`)}},
			request: `<request><procedure><execute namespace="Sys" procedure="A"><executeData><lie says="` + says + `"/></executeData></execute></procedure></request>`}
		log := sutlertest.NewLog()
		w := newWorld(log)
		count := 0
		l, err := s.start(log, w, &count)
		if err != nil {
			t.Fatal(err)
		}
		var told answer
		told.resp, told.err = s.submit(l)
		tx, err := sutler.Fold(log.All())
		if err != nil {
			t.Fatal(err)
		}
		if bad := violations(tx, log.All(), w, told, []string{"A"}); len(bad) == 0 || !strings.Contains(bad[0], want) {
			t.Errorf("of one that says %s falsely the harness finds %v", says, bad)
		}
	}
}
