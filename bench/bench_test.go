//go:build linux

// Package bench measures the whole: an engine over a real store, submitted to
// in process and through the door, beside what the same disk does for a plain
// log. Its one program is BenchmarkEngine; everything else is one idea of it to
// a file.
package bench_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"testing"
	"time"
)

var (
	window      = flag.Duration("window", time.Second, "how long one round of one measurement lasts, at least")
	running     = flag.Int("running", 0, "limit of requests that run at once; 0: the default")
	sustained   = flag.Duration("sustained", 0, "how long the sustained load lasts; 0: it is left out")
	figuresFile = flag.String("figures", "", "file that the figures go to")
)

// collectorPercent is how seldom the collector of a server works, as serve sets it.
const collectorPercent = 1600

// callers are how many submit at once, each the next request after the answer.
var callers = []int{1, 16, 128}

// BenchmarkEngine measures requests whose calls do nothing but flush, so that
// what is left is the engine and its store. Each measurement takes turns with
// two baselines of the same durability on the same disk: a plain log, which is
// given the same bytes in as many Appends, and fdatasync. A round is an
// iteration, so -benchtime 3x is three rounds; shown are the medians.
//
//	go test -run '^$' -bench '^BenchmarkEngine$' -benchtime 3x -timeout 30m ./bench/
//	go test -run '^$' -bench 'Engine/sqlite/saga-3/128' -benchtime 5x ./bench/ -window 2s
//
// Profiles of one measurement are made with -cpuprofile, -memprofile and so on.
func BenchmarkEngine(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(collectorPercent))
	r := &report{Go: runtime.Version(), Processors: runtime.NumCPU(), Window: window.String()}
	for _, d := range databases {
		b.Run(d.name, func(b *testing.B) {
			o := d.start(b)
			for _, w := range workloads {
				b.Run(w.name, func(b *testing.B) {
					for _, n := range callers {
						b.Run(strconv.Itoa(n), func(b *testing.B) { r.add(compare(b, o, w, n)) })
					}
				})
			}
			for _, size := range []int{100_000, 1_000_000} {
				b.Run(fmt.Sprintf("growth/%d", size), func(b *testing.B) { r.Growth = append(r.Growth, growth(b, o, size)) })
			}
			b.Run("recovery", func(b *testing.B) { r.Recovery = append(r.Recovery, recovery(b, o, 10_000)) })
			if *sustained > 0 {
				b.Run("sustained", func(b *testing.B) { r.Sustained = append(r.Sustained, sustain(b, o, *sustained)) })
			}
		})
	}
	r.print(os.Stdout)
	if *figuresFile != "" {
		if err := r.write(*figuresFile); err != nil {
			b.Fatal(err)
		}
	}
}

// compare measures one workload in process and through the door, in turn with
// the baselines.
func compare(b *testing.B, o opener, w workload, callers int) []figures {
	doors := []string{inProcess, throughDoor}
	rigs := map[string]*rig{}
	for _, door := range doors {
		rigs[door] = newRig(b, o, *running)
	}
	p := newPlain(b, o, rigs[inProcess].record(b, w))
	var engines = map[string][]measured{}
	var plains []measured
	var syncs []float64
	for b.Loop() {
		for _, door := range doors {
			engines[door] = append(engines[door], rigs[door].measure(b, door, w, callers, *window))
		}
		plains = append(plains, p.measure(b, callers, *window))
		syncs = append(syncs, syncsPerSecond(b, *window/4))
	}
	var all []figures
	for _, door := range doors {
		f := figures{Database: o.name(), Workload: w.name, Door: door, Callers: callers, Steps: w.steps}
		f.measured = medians(engines[door])
		f.Stored = rigs[door].stored(b)
		f.PerCommit = f.Records / f.Commits
		f.Plain = medians(plains)
		f.Syncs = median(syncs)
		all = append(all, f)
	}
	b.ReportMetric(all[0].Rate, "requests/s")
	b.ReportMetric(100*all[0].Rate/all[0].Plain.Rate, "%plain")
	b.ReportMetric(all[1].Rate, "door-requests/s")
	return all
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}
