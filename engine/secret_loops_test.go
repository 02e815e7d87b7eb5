package engine_test

import (
	"testing"

	"sutler"
)

// TestSecretsCostNoMoreTheMoreThereAre counts what loops over secrets allocate:
// four times as many secrets must not cost more than some four times as much.
// Spelling all of them anew for each text would cost sixteen times as much.
func TestSecretsCostNoMoreTheMoreThereAre(t *testing.T) {
	const n = 300
	for _, l := range secretLoops {
		t.Run(l.name, func(t *testing.T) {
			e := benchEngine(t, sutler.Limits{})
			cost := func(n int) float64 {
				source := secretRequest(l.item, l.step, "", n)
				return testing.AllocsPerRun(1, func() { submitBench(t, e, source) })
			}
			if few, many := cost(n), cost(4*n); many > 5*few {
				t.Errorf("%d secrets take %.0f allocations, %d take %.0f", n, few, 4*n, many)
			}
		})
	}
}
