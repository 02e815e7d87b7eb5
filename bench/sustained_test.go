//go:build linux

package bench_test

import (
	"testing"
	"time"
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

// sustain loads an engine with saga-3 of 128 callers for d.
func sustain(b *testing.B, o opener, d time.Duration) held {
	h := held{Database: o.name(), Length: d}
	for b.Loop() {
		r := newRig(b, o, *running)
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
