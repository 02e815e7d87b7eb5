//go:build linux

package bench_test

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"
)

// figures are those of one workload, submitted in one way by so many callers.
type figures struct {
	Database string `json:"database"`
	Workload string `json:"workload"`
	Door     string `json:"door"` // call: in process; door: JSON over HTTP on loopback
	Callers  int    `json:"callers"`
	Steps    int    `json:"steps"` // of a request
	measured
	PerCommit float64  `json:"recordsPerCommit"`
	Stored    float64  `json:"stored"` // bytes a request
	Plain     measured `json:"plain"`  // the plain log
	Syncs     float64  `json:"syncs"`  // fdatasync of 4 KiB, a second
}

// report is what a run has shown.
type report struct {
	Go         string      `json:"go"`
	Processors int         `json:"processors"`
	Window     string      `json:"window"`
	Figures    []figures   `json:"figures"`
	Growth     []grown     `json:"growth,omitempty"`
	Recovery   []recovered `json:"recovery,omitempty"`
	Sustained  []held      `json:"sustained,omitempty"`
}

func (r *report) add(f []figures) { r.Figures = append(r.Figures, f...) }

func (r *report) write(file string) error {
	b, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}

// print writes the tables.
func (r *report) print(to io.Writer) {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(cells ...any) {
		for _, c := range cells {
			fmt.Fprintf(w, "%v\t", c)
		}
		fmt.Fprintln(w)
	}
	ms := func(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d)/1e6) }
	fix := func(digits int, v float64) string { return fmt.Sprintf("%.*f", digits, v) }
	if len(r.Figures) > 0 {
		fmt.Fprintln(w)
		row("database", "workload", "way", "callers", "requests/s", "steps/s", "plain log/s", "% of it", "p50 ms", "p99 ms",
			"CPU s/1000", "in server", "commits", "records/commit", "KB stored", "MB peak", "fdatasync/s")
	}
	for _, f := range r.Figures {
		row(f.Database, f.Workload, f.Door, f.Callers, fix(1, f.Rate), fix(0, f.Rate*float64(f.Steps)), fix(1, f.Plain.Rate), fix(0, 100*f.Rate/f.Plain.Rate),
			ms(f.P50), ms(f.P99), fix(3, f.CPU), fix(3, f.Server), fix(3, f.Commits), fix(1, f.PerCommit), fix(1, f.Stored/1000), fix(0, f.Memory/1e6), fix(0, f.Syncs))
	}
	_ = w.Flush()
	for _, f := range r.Figures {
		if f.Callers == 1 && f.Workload == "saga-3" && f.Door == inProcess {
			fmt.Fprintf(to, "%s: alone, saga-3 takes %s ms; its %.0f commits on the plain log take %s ms\n", f.Database, ms(f.P50), f.Commits, ms(f.Plain.P50))
		}
	}
	for _, g := range r.Growth {
		fmt.Fprintf(to, "%s: with %d finished transactions %.0f requests/s, %.0f %% of %.0f with none (filled at %.0f/s)\n", g.Database, g.Finished, g.Rate, 100*g.Rate/g.Empty, g.Empty, g.Fill)
	}
	for _, v := range r.Recovery {
		fmt.Fprintf(to, "%s: %d unfinished transactions recovered in %.1f s\n", v.Database, v.Unfinished, v.Took.Seconds())
	}
	for _, h := range r.Sustained {
		fmt.Fprintf(to, "%s: %v long %.0f requests/s; the slowest tenth of the time %.0f, the last %.0f, the first %.0f; %.0f MB peak\n",
			h.Database, h.Length, h.Rate, h.Slowest, h.Last, h.First, h.Memory/1e6)
	}
}
