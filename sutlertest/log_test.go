package sutlertest_test

import (
	"testing"

	"sutler"
	"sutler/sutlertest"
)

func TestLogKeepsContract(t *testing.T) {
	sutlertest.TestLog(t, func(*testing.T) sutlertest.Leaser { return sutlertest.NewLog() })
}

// TestLogDies lets the log die at every place and looks what is left.
func TestLogDies(t *testing.T) {
	const appends = 4
	for n := 1; n <= appends; n++ {
		for _, after := range []bool{false, true} {
			l := sutlertest.NewLog()
			want := n - 1
			if l.DieBefore(n); after {
				l.DieAfter(n)
				want = n
			}
			for i := 1; i <= appends; i++ {
				err := l.Append(t.Context(), sutler.Lease{Engine: "e", Fence: 1}, sutler.Record{Transaction: "{a}", Kind: sutler.StepFlushed, Seq: i})
				if dead := i >= n; dead != (sutler.CodeOf(err) == sutler.LogFailed) || !dead && err != nil {
					t.Errorf("dying at %d (after: %t): Append %d = %v", n, after, i, err)
				}
			}
			if !l.Dead() || l.Commits() != want || len(l.All()) != want {
				t.Errorf("dying at %d (after: %t): dead %t, %d commits, %d records; want %d", n, after, l.Dead(), l.Commits(), len(l.All()), want)
			}
			l.Revive()
			if err := l.Append(t.Context(), sutler.Lease{Engine: "e", Fence: 1}, sutler.Record{Transaction: "{a}", Kind: sutler.StepFlushed}); err != nil || l.Dead() {
				t.Errorf("after Revive: %v", err)
			}
		}
	}
}
