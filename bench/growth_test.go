//go:build linux

package bench_test

import (
	"sync"
	"testing"
	"time"

	"sutler"
)

// grown is the rate over a store that holds many finished transactions, and
// that of an empty one in the same rounds.
type grown struct {
	Database string  `json:"database"`
	Finished int     `json:"finished"`
	Fill     float64 `json:"fill"` // transactions a second while it was filled
	Rate     float64 `json:"rate"`
	Empty    float64 `json:"empty"`
}

// growth measures saga-3 of 128 callers over a store with size finished
// transactions.
func growth(b *testing.B, o opener, size int) grown {
	w := workloads[0]
	full, empty := newRig(b, o, *running), newRig(b, o, *running)
	start := time.Now()
	full.fill(b, size, full.record(b, w))
	g := grown{Database: o.name(), Finished: size, Fill: float64(size) / time.Since(start).Seconds()}
	var rates, empties []float64
	for b.Loop() {
		rates = append(rates, full.measure(b, inProcess, w, 128, *window).Rate)
		empties = append(empties, empty.measure(b, inProcess, w, 128, *window).Rate)
	}
	g.Rate, g.Empty = median(rates), median(empties)
	b.ReportMetric(g.Rate, "requests/s")
	b.ReportMetric(100*g.Rate/g.Empty, "%empty")
	return g
}

// fill adds n transactions with the given records to the store, many in one
// Append.
func (r *rig) fill(tb testing.TB, n int, appends [][]sutler.Record) {
	tb.Helper()
	const together = 100
	work := make(chan int)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for k := range work {
				var rs []sutler.Record
				for range k {
					id := newID()
					for _, a := range appends {
						for _, one := range a {
							one.Transaction = id
							rs = append(rs, one)
						}
					}
				}
				if err := r.store.Append(tb.Context(), r.lease, rs...); err != nil {
					tb.Error(err)
				}
			}
		})
	}
	for ; n > 0; n -= together {
		work <- min(n, together)
	}
	close(work)
	wg.Wait()
	if tb.Failed() {
		tb.FailNow()
	}
}

// recovered is how long recovery took.
type recovered struct {
	Database   string        `json:"database"`
	Unfinished int           `json:"unfinished"`
	Took       time.Duration `json:"took"`
}

// recovery measures how long an engine takes to undo n transactions that its
// earlier lease left in their second step.
func recovery(b *testing.B, o opener, n int) recovered {
	var times []float64
	for b.Loop() {
		r := newRig(b, o, *running)
		appends := r.record(b, workloads[0])
		r.fill(b, n, appends[:2])
		start := time.Now()
		if undone := r.recoverAll(b); undone != n {
			b.Fatalf("%d of %d transactions were unfinished", undone, n)
		}
		times = append(times, time.Since(start).Seconds())
	}
	took := median(times)
	b.ReportMetric(took, "s")
	return recovered{o.name(), n, time.Duration(took * float64(time.Second))}
}

// recoverAll gives the engine a new lease, lets it recover what it has left
// unfinished, and returns how much that was.
func (r *rig) recoverAll(tb testing.TB) int {
	tb.Helper()
	lease, err := r.store.Lease(tb.Context(), r.lease.Engine)
	if err != nil {
		tb.Fatal(err)
	}
	r.lease = lease
	r.engine.SetLease(lease)
	before, err := r.store.Unfinished(tb.Context(), lease.Engine, "", 1_000_000)
	if err != nil {
		tb.Fatal(err)
	}
	if err := r.engine.RecoverAll(tb.Context(), lease); err != nil {
		tb.Fatal(err)
	}
	left, err := r.store.Unfinished(tb.Context(), lease.Engine, "", 1)
	if err != nil || len(left) > 0 {
		tb.Fatalf("after recovery: %v, %v", left, err)
	}
	return len(before)
}
