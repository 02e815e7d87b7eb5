//go:build linux

package xslt_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"sutler/xmltree"
	"sutler/xslt"
)

// hostile are stylesheets that each run into a limit; the document is a list of
// 2,000 elements.
var hostile = []struct{ name, inside string }{
	{"recursion", `<xsl:template match="/"><xsl:call-template name="f"><xsl:with-param name="n" select="2900"/></xsl:call-template></xsl:template>
		<xsl:template name="f"><xsl:param name="n"/><xsl:variable name="t"><e><xsl:value-of select="$n"/></e></xsl:variable><xsl:if test="$n &gt; 0">
		<xsl:call-template name="f"><xsl:with-param name="n" select="$n - 1"/></xsl:call-template><xsl:call-template name="f"><xsl:with-param name="n" select="$n - 1"/></xsl:call-template></xsl:if></xsl:template>`},
	{"result", `<xsl:template match="/"><xsl:for-each select="//b"><xsl:for-each select="//b"><e a="{@id}">some text that is not short at all, and so it goes on for a while: a line of a letter to nobody, of which there are many in the result</e></xsl:for-each></xsl:for-each></xsl:template>`},
	{"text", `<xsl:template match="/"><xsl:call-template name="f"><xsl:with-param name="t" select="'0123456789'"/></xsl:call-template></xsl:template>
		<xsl:template name="f"><xsl:param name="t"/><xsl:call-template name="f"><xsl:with-param name="t" select="concat($t, $t)"/></xsl:call-template></xsl:template>`},
	{"sort", `<xsl:template match="/"><xsl:for-each select="//b"><xsl:for-each select="//b"><xsl:sort select="concat(substring(@id, 3), @id)"/><xsl:sort select="@id * 7 mod 11" data-type="number"/><xsl:if test="last() = 1">x</xsl:if></xsl:for-each></xsl:for-each></xsl:template>`},
	{"key", `<xsl:key name="k" match="node()|@*" use="//b|//b/@id"/><xsl:template match="/"><xsl:value-of select="count(key('k', '1'))"/></xsl:template>`},
	{"tree", `<xsl:template match="/"><xsl:call-template name="f"><xsl:with-param name="t"><e a="b">text</e></xsl:with-param></xsl:call-template></xsl:template>
		<xsl:template name="f"><xsl:param name="t"/><xsl:call-template name="f"><xsl:with-param name="t"><xsl:copy-of select="$t"/><xsl:copy-of select="$t"/></xsl:with-param></xsl:call-template></xsl:template>`},
}

// attack is a hostile stylesheet that runs again and again.
type attack struct {
	program *xslt.Program
	source  *xmltree.Document
}

func newAttack(t testing.TB, inside string) *attack {
	var src strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&src, `<b id="%d"/>`, 1_000_007+i*7919%2000)
	}
	return &attack{compile(t, inside), parse(t, "<a>"+src.String()+"</a>")}
}

// once runs into a limit. A zero limit is the default; that of the trees is the
// default of a transaction.
func (a *attack) once(ctx context.Context, limits xslt.Limits) error {
	into := xmltree.New(&xmltree.Budget{MaxNodes: 10_000_000, MaxBytes: 256 << 20})
	defer into.Release()
	return a.program.Run(ctx, a.source.Root(), into.Root(), xslt.Env{Budget: into.Budget(), Limits: limits})
}

// Each hostile stylesheet ends at a limit, here at smaller ones than the defaults.
func TestHostileNeighbours(t *testing.T) {
	for _, h := range hostile {
		var limit *xmltree.LimitError
		if err := newAttack(t, h.inside).once(context.Background(), xslt.Limits{Steps: 300_000, ResultBytes: 2 << 20}); !errors.As(err, &limit) {
			t.Errorf("%s: Run = %v, want a limit", h.name, err)
		}
	}
}

// threadClock is CLOCK_THREAD_CPUTIME_ID.
const threadClock = 3

// speed is how a loop of small transforms ran.
type speed struct{ wall, cpu float64 } // nanoseconds for one

// transforms runs small transforms for a time. The thread is locked so that its
// CPU time is theirs, what they do for the collector included.
func transforms(b *testing.B, p *xslt.Program, n *xmltree.Node, d time.Duration) speed {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cpu := func() time.Duration {
		t, err := cpuClock(threadClock)
		if err != nil {
			b.Fatal(err)
		}
		return t
	}
	start, cpuStart, times := time.Now(), cpu(), 0
	for time.Since(start) < d {
		for range 20 {
			into := xmltree.New(nil)
			if err := p.Run(context.Background(), n, into.Root(), xslt.Env{}); err != nil {
				b.Fatal(err)
			}
			into.Release()
		}
		times += 20
	}
	return speed{float64(time.Since(start)) / float64(times), float64(cpu()-cpuStart) / float64(times)}
}

// neighbour measures what a caller with a small transform loses while a hostile
// stylesheet runs on the other core with the default limits, again and again:
// in each round once alone and once beside it.
func (p *peerBench) neighbour(b *testing.B, name, inside string) {
	if runtime.GOMAXPROCS(0) < 2 {
		b.Fatal("there is no other core")
	}
	program := compile(b, small)
	n := parse(b, `<person login="ann"><mail>ann@example.com</mail><mail>a@example.org</mail></person>`).Root()
	a := newAttack(b, inside)
	var limit *xmltree.LimitError
	if err := a.once(context.Background(), xslt.Limits{}); !errors.As(err, &limit) {
		b.Fatalf("the hostile stylesheet ends with %v, want a limit", err)
	}
	// As sutler serve has it, unless the environment says otherwise.
	if os.Getenv("GOGC") == "" {
		defer debug.SetGCPercent(debug.SetGCPercent(1600))
		defer debug.SetMemoryLimit(debug.SetMemoryLimit(4 << 30))
	}
	transforms(b, program, n, 100*time.Millisecond)
	var wall, cpu []float64
	for b.Loop() {
		runtime.GC()
		alone := transforms(b, program, n, 400*time.Millisecond)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for ctx.Err() == nil {
				_ = a.once(ctx, xslt.Limits{}) // ends at a limit or with the round
			}
		}()
		beside := transforms(b, program, n, time.Second)
		cancel()
		<-ended
		wall = append(wall, 100*(1-alone.wall/beside.wall))
		cpu = append(cpu, 100*(beside.cpu/alone.cpu-1))
	}
	self := func(f float64) float64 { return f }
	row := lossRow{Name: "neighbour/" + name, Rounds: len(wall), Wall: medianOf(wall, self), CPU: medianOf(cpu, self)}
	p.loss = append(p.loss, row)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(row.Wall, "%loss")
	b.ReportMetric(row.CPU, "%moreCPU")
}
