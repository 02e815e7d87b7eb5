package engine_test

import (
	"context"
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

// silent does nothing, fast.
type silent struct{}

func (silent) Process(context.Context, *sutler.Call) error  { return nil }
func (silent) Rollback(context.Context, *sutler.Call) error { return nil }

func benchEngine(tb testing.TB, limits sutler.Limits) *engine.Engine {
	tb.Helper()
	n := 0
	e, err := engine.New(context.Background(), engine.Options{
		Lease: sutler.Lease{Engine: "e", Fence: 1}, Log: sutlertest.NewLog(), Config: &sutlertest.Config{}, Limits: limits,
		Providers: map[string]sutler.Provider{"fake": silent{}},
		Builtin:   []sutler.Source{{File: "bench.xml", Text: []byte(benchNamespace)}},
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
					req, err := sutler.ParseRequest(sources[i], "bench.xml", sutler.Limits{})
					if err != nil {
						b.Fatal(err)
					}
					req.Trusted = true
					if _, err := e.Submit(context.Background(), admin, req); err != nil {
						b.Fatal(err)
					}
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
		req, err := sutler.ParseRequest(src, "bench.xml", sutler.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		req.Trusted = true
		if _, err := e.Submit(context.Background(), admin, req); err != nil {
			b.Fatal(err)
		}
	}
}
