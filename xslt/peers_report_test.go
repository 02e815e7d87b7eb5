//go:build linux

package xslt_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// peerBench is one run of BenchmarkPeers.
type peerBench struct {
	dir   string // for what it makes
	peers []string
	rows  []peerRow
	loss  []lossRow
}

// peerRow is the outcome of a case: CPU nanoseconds by peer and what ours
// allocates, medians both.
type peerRow struct {
	Name    string             `json:"name"`
	Rounds  int                `json:"rounds"`
	CPU     map[string]float64 `json:"cpuNanoseconds"`
	Ratio   map[string]float64 `json:"ratio"`          // to libxslt
	Process map[string]float64 `json:"processSeconds"` // of the whole life of each peer
	Mallocs float64            `json:"mallocs"`
	Bytes   float64            `json:"mallocBytes"`
}

// lossRow is what a hostile stylesheet takes from a neighbour, medians in percent.
type lossRow struct {
	Name   string  `json:"name"`
	Rounds int     `json:"rounds"`
	Wall   float64 `json:"lossOfThroughput"`
	CPU    float64 `json:"moreCPUTime"` // that the thread of the neighbour needs for the same work
}

// report prints the tables and writes the file of figures.
func (p *peerBench) report(b *testing.B) {
	if len(p.rows) == 0 && len(p.loss) == 0 {
		return
	}
	fmt.Println()
	group := ""
	for _, r := range p.rows {
		if g, _, _ := strings.Cut(r.Name, "/"); cmp.Or(group, g) != g || group == "" {
			if group != "" {
				fmt.Println()
			}
			group = g
			fmt.Printf("%-48s %10s %10s %6s %6s %6s %9s %10s\n", "CPU time, libxslt = 1", "libxslt µs", "ours µs", "ours", "saxon", "xsltc", "mallocs", "bytes")
		}
		fmt.Printf("%-48s %10s %10s %6s %6s %6s %9.0f %10.0f\n", shorten(r.Name, 48), figure(r.CPU["libxslt"]/1000), figure(r.CPU["ours"]/1000),
			figure(r.Ratio["ours"]), figure(r.Ratio["saxon"]), figure(r.Ratio["xsltc"]), r.Mallocs, r.Bytes)
	}
	p.means()
	if len(p.loss) > 0 {
		fmt.Printf("\n%-48s %12s %12s\n", "a caller beside a hostile one loses, in %", "throughput", "CPU time")
		for _, r := range p.loss {
			fmt.Printf("%-48s %12.1f %12.1f\n", r.Name, r.Wall, r.CPU)
		}
		fmt.Printf("%-48s %12.1f %12.1f\n", "median", medianOf(p.loss, func(r lossRow) float64 { return r.Wall }), medianOf(p.loss, func(r lossRow) float64 { return r.CPU }))
	}
	path := cmp.Or(os.Getenv("SUTLER_PEERS_JSON"), filepath.Join(os.TempDir(), "bench-xslt.json"))
	text, err := json.MarshalIndent(struct {
		Cases      []peerRow `json:"cases"`
		Neighbours []lossRow `json:"neighbours"`
	}{p.rows, p.loss}, "", "\t")
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o666); err != nil {
		b.Fatal(err)
	}
	fmt.Printf("\nfigures: %s\n\n", path)
}

// means prints the geometric means over the stylesheets, when all were run.
func (p *peerBench) means() {
	fmt.Println()
	for _, size := range peerSizes {
		for _, way := range []string{"bytes", "tree"} {
			mean := map[string]float64{}
			found := 0
			for _, r := range p.rows {
				if !strings.HasSuffix(r.Name, "/"+size.name+"/"+way) {
					continue
				}
				found++
				for name, x := range r.Ratio {
					mean[name] += math.Log(x)
				}
			}
			if found < len(peerSheets) || len(mean) == 0 {
				continue
			}
			of := func(name string) string {
				if _, ok := mean[name]; !ok {
					return "-"
				}
				return figure(math.Exp(mean[name] / float64(found)))
			}
			fmt.Printf("%-48s %10s %10s %6s %6s %6s\n", "geometric mean/"+size.name+"/"+way, "", "", of("ours"), of("saxon"), of("xsltc"))
		}
	}
}

// figure shows a number that was measured, - for none.
func figure(f float64) string {
	if f == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", f)
}

func shorten(s string, max int) string {
	if r := []rune(s); len(r) > max {
		return string(r[:max-1]) + "…"
	}
	return s
}

// medianOf returns the median of what of takes from the samples.
func medianOf[T any](samples []T, of func(T) float64) float64 {
	all := make([]float64, len(samples))
	for i, s := range samples {
		all[i] = of(s)
	}
	slices.Sort(all)
	if len(all)%2 == 0 {
		return (all[len(all)/2-1] + all[len(all)/2]) / 2
	}
	return all[len(all)/2]
}
