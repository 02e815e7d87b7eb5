package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"sutler/xslt"
)

// profile counts and times templates, and shows them as they run.
type profile struct {
	out   io.Writer
	trace bool
	by    map[*xslt.Template]*templateTime
	stack []running
}

type templateTime struct {
	of         *xslt.Template
	calls      int
	open       int           // of its calls that have not ended
	total, own time.Duration // with and without the templates that it calls
}

type running struct {
	t      *templateTime
	began  time.Time
	called time.Duration // time of the templates that it called
}

func newProfile(out io.Writer, trace bool) *profile {
	return &profile{out: out, trace: trace, by: map[*xslt.Template]*templateTime{}}
}

func (p *profile) event(e xslt.Event) {
	if e.End {
		r := p.stack[len(p.stack)-1]
		p.stack = p.stack[:len(p.stack)-1]
		took := time.Since(r.began)
		r.t.own += took - r.called
		if r.t.open--; r.t.open == 0 { // of a recursion only the outermost counts
			r.t.total += took
		}
		if n := len(p.stack); n > 0 {
			p.stack[n-1].called += took
		}
		return
	}
	if p.trace {
		fmt.Fprintln(p.out, printable(fmt.Sprintf("%s%s  %s", strings.Repeat("  ", len(p.stack)), e.Template, e.Node.Path())))
	}
	t := p.by[e.Template]
	if t == nil {
		t = &templateTime{of: e.Template}
		p.by[e.Template] = t
	}
	t.calls++
	t.open++
	p.stack = append(p.stack, running{t: t, began: time.Now()})
}

// print writes the table, what took longest by itself first. After an error
// the templates that were running have run until now.
func (p *profile) print() {
	for len(p.stack) > 0 {
		p.event(xslt.Event{End: true})
	}
	all := slices.SortedFunc(maps.Values(p.by), func(a, b *templateTime) int {
		return cmp.Or(cmp.Compare(b.own, a.own), cmp.Compare(a.of.Pos.Line, b.of.Pos.Line))
	})
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "CALLS\tOWN ms\tTOTAL ms\tµs/CALL\t  TEMPLATE")
	for _, t := range all {
		ms := func(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d)/1e6) }
		fmt.Fprintf(w, "%d\t%s\t%s\t%.1f\t  %s\n", t.calls, ms(t.own), ms(t.total), float64(t.own)/1e3/float64(t.calls), printable(t.of.String()))
	}
	w.Flush()
}
