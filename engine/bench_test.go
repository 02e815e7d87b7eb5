package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sutler"
	"sutler/engine"
	"sutler/sutlertest"
)

// shapes are the five loops whose cost must grow linearly with the number of
// nodes: what a step does for each of them.
var shapes = []struct{ name, data, steps string }{
	{"insert", `<list>%s</list>`,
		`<execute namespace="Sys" procedure="Get"><forEach name="i" root="data" path="list/item"/>
		<before source="i" destination="executeData"/><after source="executeData" sourcePath="item" destination="data" destinationPath="made"/></execute>`},
	{"merge", `<list>%s</list>`,
		`<execute namespace="Sys" procedure="Get"><forEach name="i" root="data" path="list/item"/>
		<before source="i" destination="executeData"/><after source="executeData" destination="data" destinationPath="made" mode="merge"/></execute>`},
	{"move", `<list>%s</list>`,
		`<execute namespace="Sys" procedure="Get"><forEach name="i" root="data" path="list/item"/>
		<before source="i" destination="executeData" mode="move"/><after source="executeData" sourcePath="item" destination="data" destinationPath="made" mode="move"/></execute>`},
	{"nested", `<list>%s</list>`,
		`<execute namespace="Sys" procedure="Get"><forEach name="l" root="data" path="list"/><forEach name="i" root="l" path="item"/><forEach name="n" root="i" path="n"/>
		<before source="n" destination="executeData"/><after source="executeData" sourcePath="n" destination="procedureData"/></execute>`},
	{"transform", `<list>%s</list>`,
		`<execute namespace="Sys" procedure="Get"><forEach name="i" root="data" path="list/item"/>
		<before source="i" destination="executeData"><xsl:template match="item"><user name="{@id}"><xsl:value-of select="n"/></user></xsl:template></before>
		<after source="executeData" sourcePath="user" destination="data" destinationPath="made"/></execute>`},
}

const benchNamespace = `<namespace name="Sys" providerSource="fake"><procedure name="Get" type="read"/><procedure name="A" type="write"/></namespace>`

const loudNamespace = `<namespace name="Loud" providerSource="loud"><procedure name="Audit" type="read"/><procedure name="Fail" type="write"/>
	<procedure name="Caught"><try><execute namespace="Loud" procedure="Fail"><before source="data" destination="executeData"/></execute></try><catch/></procedure></namespace>`

// silent does nothing, fast.
type silent struct{}

func (silent) Process(context.Context, *sutler.Call) error  { return nil }
func (silent) Rollback(context.Context, *sutler.Call) error { return nil }

// loud leaves an audit command of fixed text, or fails with a text of its input.
func loud(_ context.Context, c *sutler.Call) error {
	if c.Procedure == "Fail" {
		return errors.New("cannot use " + c.Data.Text())
	}
	c.Audit(`INSERT INTO "t" ("a") VALUES ('a row was seen')`)
	return nil
}

// acts has the log keep each failure: any call may have had an effect.
func acts(string) sutler.Traits { return sutler.Traits{NoAnswer: sutler.Repeatable} }

// secretLoops are loops over secrets. In plain ones the same values are none.
var secretLoops = []struct{ name, item, step, plain string }{
	{"audit", `<pw do-not-log="1">password %d</pw>`, `<execute namespace="Loud" procedure="Audit">`, `do-not-log="1"`},
	{"caught", `<pw>password %d of those that are long enough to be cut short</pw>`, `<execute namespace="Loud" procedure="Caught" sensitive="1">`, `sensitive="1"`},
}

func secretRequest(item, step, not string, n int) []byte {
	var items strings.Builder
	for i := range n {
		fmt.Fprintf(&items, "<item>"+item+"</item>", i)
	}
	text := `<request><data>` + items.String() + `</data><procedure>` + step +
		`<forEach name="i" root="data" path="item"/><before source="i" destination="executeData"/></execute></procedure></request>`
	if not != "" {
		text = strings.ReplaceAll(text, not, "")
	}
	return []byte(text)
}

// submitBench is no tb.Helper, which would be measured, too.
func submitBench(tb testing.TB, e *engine.Engine, source []byte) {
	req, err := sutler.ParseRequest(source, "bench.xml", sutler.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	req.Trusted = true
	if _, err := e.Submit(context.Background(), admin, req); err != nil {
		tb.Fatal(err)
	}
}

func benchEngine(tb testing.TB, limits sutler.Limits) *engine.Engine {
	tb.Helper()
	n := 0
	e, err := engine.New(context.Background(), engine.Options{
		Lease: sutler.Lease{Engine: "e", Fence: 1}, Log: sutlertest.NewLog(), Config: &sutlertest.Config{}, Limits: limits,
		Providers: map[string]sutler.Provider{"fake": silent{}, "loud": funcs{process: loud, traits: acts}},
		Builtin:   []sutler.Source{{File: "bench.xml", Text: []byte(benchNamespace)}, {File: "loud.xml", Text: []byte(loudNamespace)}},
		Now:       time.Now,
		NewID:     func() sutler.TransactionID { n++; return sutler.TransactionID(fmt.Sprintf("{%d}", n)) },
	})
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

func shapeRequest(data, steps string, n int) []byte {
	var items strings.Builder
	for i := range n {
		fmt.Fprintf(&items, `<item id="i%d"><n>name %d</n></item>`, i, i)
	}
	return fmt.Appendf(nil, `<request xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><data>%s</data><procedure>%s</procedure></request>`,
		fmt.Sprintf(data, items.String()), steps)
}

// BenchmarkForEach runs each shape with 1,000, 10,000 and 100,000 iterations
// in turn and shows the median time of one iteration for each, and the last as
// a multiple of the first: near 1 means linear.
func BenchmarkForEach(b *testing.B) {
	sizes := []int{1_000, 10_000, 100_000}
	for _, s := range shapes {
		b.Run(s.name, func(b *testing.B) {
			e := benchEngine(b, sutler.Limits{})
			times := make([][]time.Duration, len(sizes))
			sources := make([][]byte, len(sizes))
			for i, n := range sizes {
				sources[i] = shapeRequest(s.data, s.steps, n)
			}
			for b.Loop() {
				for i, n := range sizes {
					start := time.Now()
					submitBench(b, e, sources[i])
					times[i] = append(times[i], time.Since(start)/time.Duration(n))
				}
			}
			for i, n := range sizes {
				slices.Sort(times[i])
				b.ReportMetric(float64(times[i][len(times[i])/2]), fmt.Sprintf("ns/%d", n))
			}
			b.ReportMetric(float64(times[2][len(times[2])/2])/float64(times[0][len(times[0])/2]), "growth")
		})
	}
}

// BenchmarkSaga is a request of three write steps on a log in memory: what
// the engine itself costs.
func BenchmarkSaga(b *testing.B) {
	e := benchEngine(b, sutler.Limits{})
	src := []byte(`<request><data><name>x</name></data><procedure>` + strings.Repeat(
		`<execute namespace="Sys" procedure="A"><before source="data" sourcePath="name" destination="executeData"/></execute>`, 3) + `</procedure></request>`)
	b.ReportAllocs()
	for b.Loop() {
		submitBench(b, e, src)
	}
}

// BenchmarkSecrets runs each loop over secrets with 1,000 and 10,000 iterations
// in turn with the same loop over values that are none, and shows the median
// time of one iteration for both numbers, the second as a multiple of the
// first, which near 1 means linear, and as a multiple of that of plain values.
func BenchmarkSecrets(b *testing.B) {
	const few, many = 1_000, 10_000
	for _, l := range secretLoops {
		b.Run(l.name, func(b *testing.B) {
			sources := [][]byte{secretRequest(l.item, l.step, "", few), secretRequest(l.item, l.step, "", many), secretRequest(l.item, l.step, l.plain, many)}
			times := make([][]time.Duration, len(sources))
			for b.Loop() {
				for i, n := range []int{few, many, many} {
					e := benchEngine(b, sutler.Limits{}) // with an empty log
					start := time.Now()
					submitBench(b, e, sources[i])
					times[i] = append(times[i], time.Since(start)/time.Duration(n))
				}
			}
			median := func(i int) float64 {
				slices.Sort(times[i])
				return float64(times[i][len(times[i])/2])
			}
			b.ReportMetric(median(0), fmt.Sprintf("ns/%d", few))
			b.ReportMetric(median(1), fmt.Sprintf("ns/%d", many))
			b.ReportMetric(median(1)/median(0), "growth")
			b.ReportMetric(median(1)/median(2), "of-plain")
		})
	}
}
