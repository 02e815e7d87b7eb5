//go:build linux

package bench_test

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

type counter = atomic.Int64

// measured is what one round showed, or the medians of several.
type measured struct {
	Rate    float64       `json:"rate"`    // requests a second
	P50     time.Duration `json:"p50"`     // of a request, as its caller sees it
	P99     time.Duration `json:"p99"`     //
	CPU     float64       `json:"cpu"`     // seconds for 1,000 requests, of callers, engine and database
	Server  float64       `json:"server"`  // the part of the database server
	Commits float64       `json:"commits"` // a request
	Records float64       `json:"records"` // a request
	Memory  float64       `json:"memory"`  // most resident bytes of this process
}

func medians(all []measured) measured {
	of := func(field func(*measured) float64) float64 {
		var v []float64
		for i := range all {
			v = append(v, field(&all[i]))
		}
		return median(v)
	}
	return measured{
		Rate:    of(func(m *measured) float64 { return m.Rate }),
		P50:     time.Duration(of(func(m *measured) float64 { return float64(m.P50) })),
		P99:     time.Duration(of(func(m *measured) float64 { return float64(m.P99) })),
		CPU:     of(func(m *measured) float64 { return m.CPU }),
		Server:  of(func(m *measured) float64 { return m.Server }),
		Commits: of(func(m *measured) float64 { return m.Commits }),
		Records: of(func(m *measured) float64 { return m.Records }),
		Memory:  of(func(m *measured) float64 { return m.Memory }),
	}
}

// load lets callers do one thing after the other for d, at least one each, and
// waits for the last.
func load(tb testing.TB, o opener, callers int, d time.Duration, do func(caller int) error) (m measured, done int64) {
	tb.Helper()
	runtime.GC()
	resetPeak(tb)
	times := make([][]time.Duration, callers)
	cpu, server := cpuTime(tb), o.cpu(tb)
	start := time.Now()
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			for ok := true; ok; ok = time.Since(start) < d {
				before := time.Now()
				if err := do(i); err != nil {
					tb.Error(err)
					return
				}
				times[i] = append(times[i], time.Since(before))
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(start)
	serverUsed := o.cpu(tb) - server
	used := cpuTime(tb) - cpu + serverUsed
	all := slices.Sorted(slices.Values(slices.Concat(times...)))
	if len(all) == 0 || tb.Failed() {
		tb.FailNow()
	}
	n := float64(len(all))
	return measured{
		Rate: n / elapsed.Seconds(), P50: all[len(all)/2], P99: all[len(all)*99/100],
		CPU: used.Seconds() / n * 1000, Server: serverUsed.Seconds() / n * 1000, Memory: peak(tb),
	}, int64(len(all))
}

// measure loads the engine with one workload.
func (r *rig) measure(tb testing.TB, door string, w workload, callers int, d time.Duration) measured {
	tb.Helper()
	commits, records, calls := r.store.Commits(), r.records.count.Load(), r.silent.calls.Load()
	m, done := load(tb, r.opener, callers, d, r.submitter(door, w))
	if made := r.silent.calls.Load() - calls; made != done*int64(w.steps) {
		tb.Fatalf("%d requests of %s made %d calls", done, w.name, made)
	}
	m.Commits = float64(r.store.Commits()-commits) / float64(done)
	m.Records = float64(r.records.count.Load()-records) / float64(done)
	r.done += done
	return m
}

// cpuTime returns the CPU time of this process.
func cpuTime(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// cpu returns the CPU time of the server's living processes and of those that
// it has waited for.
func (p *postgres) cpu(tb testing.TB) time.Duration {
	const tick = time.Second / 100
	var sum time.Duration
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // ended meanwhile
		}
		fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:]) // from the state on, field 3
		number := func(field int) time.Duration {
			n, err := strconv.Atoi(string(fields[field-3]))
			if err != nil {
				tb.Fatal(err)
			}
			return time.Duration(n)
		}
		pid := filepath.Base(filepath.Dir(file))
		if pid == p.pid {
			sum += (number(14) + number(15) + number(16) + number(17)) * tick
		} else if string(fields[4-3]) == p.pid {
			sum += (number(14) + number(15)) * tick
		}
	}
	return sum
}

// resetPeak makes the kernel forget the peak of resident memory.
func resetPeak(tb testing.TB) {
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		tb.Fatal(err)
	}
}

// peak returns the most resident memory of this process since resetPeak.
func peak(tb testing.TB) float64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		tb.Fatal(err)
	}
	_, rest, _ := bytes.Cut(b, []byte("VmHWM:"))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		tb.Fatal("the kernel does not tell VmHWM")
	}
	kb, err := strconv.Atoi(string(fields[0]))
	if err != nil {
		tb.Fatal(err)
	}
	return float64(kb) * 1024
}
