//go:build linux

package bench_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"sutler"
	"sutler/audit"
)

// held is what became of the rate over a long time.
type held struct {
	Database string        `json:"database"`
	Length   time.Duration `json:"length"`
	Rate     float64       `json:"rate"`
	First    float64       `json:"first"` // of the tenths of the time: the first
	Last     float64       `json:"last"`
	Slowest  float64       `json:"slowest"`
	Memory   float64       `json:"memory"`
}

// manage lets the auditing and recovery manager work beside the engine. It
// lives an hour ahead, less a minute, so that it cuts off what is older than
// a minute.
func manage(b *testing.B, r *rig) (stop func()) {
	b.Helper()
	dir := b.TempDir()
	key, err := audit.Key(dir)
	if err != nil {
		b.Fatal(err)
	}
	if err := r.store.SetSetting(b.Context(), sutler.SettingLogRetention, "1h"); err != nil {
		b.Fatal(err)
	}
	m, err := audit.New(b.Context(), audit.Options{
		Store: r.store, Recover: r.engine, Lease: func() sutler.Lease { return r.lease }, Key: key, Anchor: filepath.Join(dir, audit.AnchorFile),
		Now: func() time.Time { return time.Now().Add(59 * time.Minute) },
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { m.Run(ctx) })
	return func() { cancel(); wg.Wait() }
}

// sustain loads an engine with saga-3 of 128 callers for d, the manager at work.
func sustain(b *testing.B, o opener, d time.Duration) held {
	h := held{Database: o.name(), Length: d}
	for b.Loop() {
		r := newRig(b, o, *running)
		defer manage(b, r)()
		h.Slowest, h.Rate, h.Memory = 0, 0, 0
		for i := range 10 {
			m := r.measure(b, inProcess, workloads[0], 128, d/10)
			if i == 0 {
				h.First, h.Slowest = m.Rate, m.Rate
			}
			h.Last, h.Slowest, h.Memory = m.Rate, min(h.Slowest, m.Rate), max(h.Memory, m.Memory)
			h.Rate += m.Rate / 10
		}
	}
	b.ReportMetric(h.Rate, "requests/s")
	return h
}
