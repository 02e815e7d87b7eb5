//go:build linux

package bench_test

import (
	"io"
	"strings"
	"testing"
	"time"
)

// TestHarness runs every measurement once, as short as it can be: the figures
// mean nothing, but what they are made of must be right.
func TestHarness(t *testing.T) {
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			o := d.start(t)
			for _, w := range workloads {
				t.Run(w.name, func(t *testing.T) {
					r := newRig(t, o, 0)
					appends := r.record(t, w)
					if want := w.commits(); len(appends) != want {
						t.Errorf("a request of %s makes %d Appends, want %d", w.name, len(appends), want)
					}
					for _, door := range []string{inProcess, throughDoor} {
						m := r.measure(t, door, w, 2, 0)
						if m.Rate <= 0 || m.P50 <= 0 || m.P99 < m.P50 || m.CPU <= 0 || m.Commits <= 0 || m.Commits > float64(w.commits()) || m.Memory <= 0 {
							t.Errorf("%s: %+v", door, m)
						}
					}
					if m := newPlain(t, o, appends).measure(t, 2, 0); m.Rate <= 0 || m.Commits <= 0 || m.Commits > float64(w.commits()) {
						t.Errorf("plain log: %+v", m)
					}
					if n := r.stored(t); n < 500 {
						t.Errorf("a request of %s stores %.0f bytes", w.name, n)
					}
				})
			}
			if n := syncsPerSecond(t, time.Millisecond); n <= 0 {
				t.Errorf("%f syncs a second", n)
			}
			t.Run("recovery", func(t *testing.T) {
				r := newRig(t, o, 0)
				r.fill(t, 250, r.record(t, workloads[0])[:2])
				if undone := r.recoverAll(t); undone != 250 {
					t.Errorf("%d of 250 transactions were unfinished", undone)
				}
			})
			t.Run("growth", func(t *testing.T) {
				r := newRig(t, o, 0)
				r.fill(t, 250, r.record(t, workloads[0]))
				if unfinished := r.recoverAll(t); unfinished != 0 {
					t.Errorf("%d of 250 finished transactions are unfinished", unfinished)
				}
			})
		})
	}
}

func TestReport(t *testing.T) {
	r := report{}
	r.add([]figures{{Database: "sqlite", Workload: "saga-3", Door: inProcess, Callers: 1, Steps: 3, measured: measured{Rate: 50, P50: 3e6, Commits: 4}, Plain: measured{Rate: 100, P50: 2e6}}})
	var b strings.Builder
	r.print(&b)
	for _, want := range []string{" 150 ", " 50 ", "alone, saga-3 takes 3.00 ms; its 4 commits on the plain log take 2.00 ms"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in the report:\n%s", want, b.String())
		}
	}
	if err := r.write(t.TempDir() + "/none/file"); err == nil {
		t.Error("a file in a directory that is not there was written")
	}
	r.print(io.Discard)
}
