package fault_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sutler"
	"sutler/provider"
	"sutler/provider/fault"
	"sutler/sutlertest"
)

func TestNamespace(t *testing.T) {
	if err := provider.Match(fault.Namespace(), fault.New(nil)); err != nil {
		t.Error(err)
	}
}

// world holds counters below a root, or with no root in the provider itself.
type world struct {
	root *os.Root
	kept provider.Procedures
}

func inMemory(*testing.T) *world { return &world{kept: fault.New(nil)} }

func inFiles(t *testing.T) *world {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return &world{root: root}
}

func (w *world) Provider() sutler.Provider {
	if w.root == nil {
		return w.kept
	}
	return fault.New(w.root)
}

func (w *world) Snapshot(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, name := range []string{"calls", "other"} {
		fmt.Fprintf(&b, "%s=%s\n", name, value(t, w.Provider(), name))
	}
	if w.root == nil {
		return b.String()
	}
	err := fs.WalkDir(w.root.FS(), ".", func(path string, _ fs.DirEntry, err error) error {
		fmt.Fprintln(&b, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func value(t *testing.T, p sutler.Provider, name string) string {
	t.Helper()
	c := sutlertest.NewCall(t, "Value", "<name>"+name+"</name>")
	if err := p.Process(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return c.Data.Child("result").Attr("value")
}

func TestProvider(t *testing.T) {
	// counted is a world where another call has counted already.
	counted := func(t *testing.T, w *world) {
		t.Helper()
		c := sutlertest.NewCall(t, "Count", "")
		c.Seq = 1
		if err := w.Provider().Process(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	cases := []sutlertest.ProviderCase[*world]{
		{Procedure: "Count", Setup: counted, Output: `<result value="2"/>`},
		{Name: "Count another", Procedure: "Count", Setup: counted, Data: `<name>other</name>`, Output: `<name>other</name><result value="1"/>`},
		{Procedure: "Value", Type: sutler.Read, Setup: counted, Output: `<result value="1"/>`},
		{Name: "Value of none", Procedure: "Value", Type: sutler.Read, Data: `<name>x</name>`, Output: `<name>x</name><result value="0"/>`},
		{Name: "Count outside", Procedure: "Count", Data: `<name>../x</name>`, Code: sutler.BadInput, Text: `input name is "../x"`},
		{Procedure: "Fail", Type: sutler.TwoPhase, Code: sutler.Failed, Text: "made to fail"},
		{
			Name: "Fail with a code", Procedure: "fail", Type: sutler.TwoPhase,
			Data: `<code>-2147024891</code><text>no entry</text>`, Code: sutler.Denied, Text: "no entry",
		},
		{Procedure: "FailWrite", Data: `<code>0x80072030</code>`, Code: 0x80072030},
		{Name: "FailWrite at prepare", Procedure: "FailWrite", Data: `<phase>prepare</phase>`, Code: sutler.BadInput, Text: `input phase is "prepare"`},
		{Name: "Fail nowhere", Procedure: "Fail", Type: sutler.TwoPhase, Data: `<phase>Lunch</phase>`, Code: sutler.BadInput, Text: `"Lunch"`},
		{Name: "Fail with success", Procedure: "Fail", Type: sutler.TwoPhase, Data: `<code>0</code>`, Code: sutler.BadInput, Text: "it means success"},
		{Name: "Fail with no code", Procedure: "Fail", Type: sutler.TwoPhase, Data: `<code>x</code>`, Code: sutler.BadInput, Text: `input code: cannot read code "x"`},
		{Name: "Fail sometimes", Procedure: "Fail", Type: sutler.TwoPhase, Data: `<times>-1</times>`, Code: sutler.BadInput, Text: `input times is "-1"`},
		{Name: "Sleep not", Procedure: "Sleep", Type: sutler.Read, Data: `<milliseconds>0</milliseconds>`},
		{Name: "Sleep how long", Procedure: "Sleep", Type: sutler.Read, Code: sutler.BadInput, Text: "milliseconds"},
		{Name: "Sleep for ever", Procedure: "Sleep", Type: sutler.Read, Data: `<milliseconds>ever</milliseconds>`, Code: sutler.BadInput, Text: `"ever"`},
		{Name: "Hang without a door", Procedure: "Hang", Type: sutler.Read, Code: sutler.BadInput, Text: "name"},
		{Name: "Release no door", Procedure: "Release", Type: sutler.Read, Code: sutler.BadInput, Text: "name"},
	}
	t.Run("memory", func(t *testing.T) { sutlertest.TestProvider(t, inMemory, cases) })
	t.Run("files", func(t *testing.T) { sutlertest.TestProvider(t, inFiles, cases) })
}

// run calls the phases of a call in order and returns what each gave, with a
// panic as its text.
func run(ctx context.Context, p provider.Procedures, c *sutler.Call, phases ...string) []string {
	var all []string
	for _, phase := range phases {
		f := map[string]provider.Func{"process": p.Process, "prepare": p.Prepare, "commit": p.Commit, "rollback": p.Rollback}[phase]
		func() {
			defer func() {
				if r := recover(); r != nil {
					all = append(all, fmt.Sprintf("%s: panic: %v", phase, r))
				}
			}()
			all = append(all, fmt.Sprintf("%s: %v", phase, f(ctx, c)))
		}()
	}
	return all
}

func TestPhases(t *testing.T) {
	for _, c := range []struct{ procedure, phase, faulty string }{
		{"Fail", "process", "made to fail"}, {"Fail", "prepare", "made to fail"}, {"Fail", "commit", "made to fail"}, {"Fail", "Rollback", "made to fail"},
		{"Panic", "process", "panic: made to fail (in process)"}, {"Panic", "prepare", "panic: made to fail (in prepare)"},
		{"Panic", "commit", "panic: made to fail (in commit)"}, {"Panic", "rollback", "panic: made to fail (in rollback)"},
	} {
		call := sutlertest.NewCall(t, c.procedure, `<phase>`+c.phase+`</phase>`)
		call.Type = sutler.TwoPhase
		p := fault.New(nil)
		for _, got := range run(t.Context(), p, call, "process", "prepare", "commit", "rollback") {
			phase, result, _ := strings.Cut(got, ": ")
			want := "<nil>"
			if strings.EqualFold(phase, c.phase) {
				want = c.faulty
			}
			if result != want {
				t.Errorf("%s at %s: %s gives %s, want %s", c.procedure, c.phase, phase, result, want)
			}
		}
	}
}

func TestFailsSoOften(t *testing.T) {
	c := sutlertest.NewCall(t, "FailWrite", `<phase>rollback</phase><times>2</times><text>odd</text>`)
	got := run(t.Context(), fault.New(nil), c, "process", "rollback", "rollback", "rollback", "rollback")
	want := "process: <nil>, rollback: odd, rollback: odd, rollback: <nil>, rollback: <nil>"
	if strings.Join(got, ", ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, start := fault.New(nil), time.Now()
		c := sutlertest.NewCall(t, "Sleep", `<milliseconds>1500</milliseconds>`)
		if err := p.Process(t.Context(), c); err != nil || time.Since(start) != 1500*time.Millisecond {
			t.Errorf("Sleep = %v after %v", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := p.Process(ctx, c)
		if sutler.CodeOf(err) != sutler.TimedOut || time.Since(start) != 2500*time.Millisecond {
			t.Errorf("Sleep with a deadline = %v (%v) after %v", err, sutler.CodeOf(err), time.Since(start))
		}
	})
}

func TestHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := fault.New(nil)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		const door = `<name>door</name>`
		var wg sync.WaitGroup
		back := false
		wg.Go(func() {
			if err := p.Process(ctx, sutlertest.NewCall(t, "Hang", door)); err != nil {
				t.Errorf("Hang = %v", err)
			}
			back = true
		})
		synctest.Wait()
		if back {
			t.Error("Hang listened to the cancel")
		}
		for range 2 {
			if err := p.Process(ctx, sutlertest.NewCall(t, "Release", door)); err != nil {
				t.Errorf("Release = %v", err)
			}
		}
		wg.Wait()
		if err := p.Process(ctx, sutlertest.NewCall(t, "Hang", door)); err != nil {
			t.Errorf("Hang at an open door = %v", err)
		}
	})
}
