//go:build linux

package bench_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"sutler"
	"sutler/provider"
)

// workload is one kind of request.
type workload struct {
	name      string
	procedure string
	request   string
	steps     int  // provider calls of one request
	fails     bool // its last call fails
}

// A step as the sagas have it: input is copied in, output copied out.
const sagaStep = `
    <execute namespace="Bench System" procedure="%s">
      <before source="data" sourcePath="user" destination="executeData"/>
      <after source="executeData" sourcePath="user" destination="data" destinationPath="made"/>
    </execute>`

const loopStep = `
    <execute namespace="Bench System" procedure="Make">
      <forEach name="item" root="data" path="list/item"/>
      <before source="item" destination="executeData">
        <xsl:template match="item"><user id="{@id}"><xsl:copy-of select="*"/></user></xsl:template>
      </before>
      <after source="executeData" sourcePath="user" destination="data" destinationPath="made">
        <xsl:template match="user"><user id="{@id}" mail="{mail}"/></xsl:template>
      </after>
    </execute>`

const systemNamespace = `<namespace name="Bench System" providerSource="silent">
  <procedure name="Make" type="write"/>
  <procedure name="Refuse" type="write"/>
</namespace>`

var benchNamespace = `<namespace name="Bench" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <procedure name="Saga 3" access="public" type="write">` + strings.Repeat(fmt.Sprintf(sagaStep, "Make"), 3) + `
  </procedure>
  <procedure name="Saga 3 Fail" access="public" type="write">` + strings.Repeat(fmt.Sprintf(sagaStep, "Make"), 2) + fmt.Sprintf(sagaStep, "Refuse") + `
  </procedure>
  <procedure name="Saga 20" access="public" type="write">` + strings.Repeat(fmt.Sprintf(sagaStep, "Make"), 20) + `
  </procedure>
  <procedure name="For Each" access="public" type="write">` + loopStep + `
  </procedure>
</namespace>`

const sagaRequest = `<request><data><user name="ann" plan="gold"><mail>ann@litware.example</mail></user></data></request>`

var workloads = []workload{
	{name: "saga-3", procedure: "Saga 3", request: sagaRequest, steps: 3},
	{name: "saga-3-fail", procedure: "Saga 3 Fail", request: sagaRequest, steps: 3, fails: true},
	{name: "saga-20", procedure: "Saga 20", request: sagaRequest, steps: 20},
	{name: "forEach-1000", procedure: "For Each", request: loopRequest(1000), steps: 1000},
}

// commits is how many commits a lone request takes: one before each call acts
// and one at the end; one that fails says first that it goes back.
func (w workload) commits() int {
	if w.fails {
		return w.steps + 2
	}
	return w.steps + 1
}

// loopRequest returns a request with n items of 1 KB.
func loopRequest(n int) string {
	var b strings.Builder
	b.WriteString("<request><data><list>")
	for i := range n {
		fmt.Fprintf(&b, `<item id="i%d"><mail>user%d@litware.example</mail>`, i, i)
		for f := range 8 {
			fmt.Fprintf(&b, "<field%d>%s</field%d>", f, strings.Repeat("x", 98), f)
		}
		b.WriteString("</item>")
	}
	b.WriteString("</list></data></request>")
	return b.String()
}

// silent is a provider that remembers and does nothing.
type silent struct{ calls atomic.Int64 }

func (s *silent) provider() sutler.Provider {
	undo := func(context.Context, *sutler.Call) error { return nil }
	return provider.Procedures{
		"Make":   {Process: s.process, Rollback: undo, Flushes: true, NoAnswer: sutler.Repeatable},
		"Refuse": {Process: s.refuse, Rollback: undo, Flushes: true, NoAnswer: sutler.Repeatable},
	}
}

func (s *silent) process(ctx context.Context, c *sutler.Call) error {
	s.calls.Add(1)
	c.Rollback.Set("name", "ann")
	return c.Rollback.Flush(ctx)
}

func (s *silent) refuse(ctx context.Context, c *sutler.Call) error {
	return errors.Join(s.process(ctx, c), sutler.Errorf(sutler.Exists, "cannot make %q: it exists", "ann"))
}
