package engine_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sutler"
	"sutler/engine"
	"sutler/sutlertest"
	"sutler/xmltree"
)

// TestPanicInTheWalkIsUndone lets the engine's own code panic after a first
// effect: the process lives on, so the transaction must be decided.
func TestPanicInTheWalkIsUndone(t *testing.T) {
	b := newBench(t, sutler.Limits{}, funcs{}, nil)
	b.trace = func(ev engine.Event) {
		if ev.Kind == "call" && ev.Seq == 2 {
			panic("s3cret in a walk")
		}
	}
	resp, err := b.run(t, `<procedure><execute namespace="Sys" procedure="A"/><try><execute namespace="Odd" procedure="Write"/></try><catch/></procedure>`)
	b.wantUndone(t, resp, err, sutler.Unexpected)
	if strings.Contains(err.Error(), "s3cret") {
		t.Errorf("the caller is shown the panic: %v", err)
	}
	if err := b.Close(t.Context()); err != nil {
		t.Errorf("Close after a panic: %v", err)
	}
}

// TestLongErrorsFitIntoTheLog lets a provider answer with an error that is too
// large for a record: it must not stop the way back.
func TestLongErrorsFitIntoTheLog(t *testing.T) {
	long := strings.Repeat("ä", 1<<20)
	for name, answer := range map[string]func() error{
		"error": func() error { return errors.New(long) },
		"detail": func() error {
			return &sutler.Error{Code: sutler.Failed, Err: errors.New("no"), Detail: "<d>" + long + "</d>"}
		},
		"panic": func() error { panic(long) },
	} {
		odd := funcs{process: func(ctx context.Context, c *sutler.Call) error {
			if err := c.Rollback.Flush(ctx); err != nil {
				return err
			}
			return answer()
		}}
		b := newBench(t, sutler.Limits{}, odd, nil)
		resp, err := b.run(t, `<procedure><execute namespace="Sys" procedure="A"/><execute namespace="Odd" procedure="Write"/></procedure>`)
		if resp.Status != sutler.RolledBack || len(b.fake.Effects()) > 0 || len(err.Error()) > 100_000 || len(resp.XML) > 100_000 {
			t.Errorf("%s: %s, an error of %d bytes, a response of %d", name, resp.Status, len(err.Error()), len(resp.XML))
		}
	}
}

// slow is a log that takes its time for a record until it is let go on.
type slow struct {
	*sutlertest.Log
	at chan struct{}
}

func (l slow) Append(ctx context.Context, lease sutler.Lease, rs ...sutler.Record) error {
	if slices.ContainsFunc(rs, func(r sutler.Record) bool { return r.Kind == sutler.StepStarted }) {
		<-l.at
	}
	return l.Log.Append(ctx, lease, rs...)
}

// TestFlushThatOutlastsItsCall abandons a call while its flush is under way:
// the record is written, and the provider is told not to act all the same.
func TestFlushThatOutlastsItsCall(t *testing.T) {
	at, flushed := make(chan struct{}), make(chan error, 1)
	undone := false
	odd := funcs{
		process: func(ctx context.Context, c *sutler.Call) error {
			go func() {
				<-ctx.Done()
				time.Sleep(100 * time.Millisecond) // by then nobody waits for the call any more
				close(at)
			}()
			err := c.Rollback.Flush(ctx)
			flushed <- err
			return err
		},
		rollback: func(context.Context, *sutler.Call) error { undone = true; return nil },
	}
	b := newBench(t, sutler.Limits{CallTime: 200}, odd, func(l *sutlertest.Log) sutler.TransactionLog { return slow{l, at} })
	resp, err := b.run(t, `<procedure><execute namespace="Odd" procedure="Write"/></procedure>`)
	if sutler.CodeOf(err) != sutler.TimedOut || resp.Status != sutler.RolledBack || !undone {
		t.Errorf("Submit: %s, %v; undone: %v", resp.Status, err, undone)
	}
	if err := <-flushed; !errors.Is(err, sutler.ErrAbandoned) {
		t.Errorf("Flush: %v, want ErrAbandoned", err)
	}
}

// TestGoexitIsNoAnswer lets a provider end its goroutine.
func TestGoexitIsNoAnswer(t *testing.T) {
	b := newBench(t, sutler.Limits{CallTime: 20_000}, funcs{process: func(context.Context, *sutler.Call) error { runtime.Goexit(); return nil }}, nil)
	done := make(chan error)
	go func() {
		_, err := b.run(t, `<procedure><execute namespace="Odd" procedure="Read"/></procedure>`)
		done <- err
	}()
	select {
	case err := <-done:
		if sutler.CodeOf(err) != sutler.NoAnswer {
			t.Errorf("Submit: %v, want code NoAnswer", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the engine waits for a goroutine that is gone")
	}
}

// TestProviderMayReplaceItsData lets a provider answer with an element of its
// own instead of editing the one it got.
func TestProviderMayReplaceItsData(t *testing.T) {
	odd := funcs{process: func(_ context.Context, c *sutler.Call) error {
		doc := xmltree.New(nil)
		c.Data = doc.NewElement(xmltree.Name{Local: "executeData"})
		c.Data.AppendText("made anew")
		return nil
	}}
	b := newBench(t, sutler.Limits{}, odd, nil)
	resp, err := b.run(t, `<procedure><execute namespace="Odd" procedure="Read"><after source="executeData" destination="data" mode="merge"/></execute></procedure>`)
	if want := `<response><data>made anew</data></response>`; err != nil || string(resp.XML) != want {
		t.Errorf("trusted: %s, %v, want %s", resp.XML, err, want)
	}
	resp, err = b.Submit(t.Context(), admin, simple(t, "Odd", "Read", `<request/>`))
	if want := `<response><data>made anew</data></response>`; err != nil || string(resp.XML) != want {
		t.Errorf("simple: %s, %v, want %s", resp.XML, err, want)
	}
}

// TestOutputThatIsNoXML lets a provider name an element as XML cannot: the
// answer would be half a document.
func TestOutputThatIsNoXML(t *testing.T) {
	odd := funcs{process: func(_ context.Context, c *sutler.Call) error {
		return c.Data.Append(c.Data.Document().NewElement(xmltree.Name{Local: "count(*)"}))
	}}
	for name, steps := range map[string]string{
		"response": `<execute namespace="Odd" procedure="Read"><after source="executeData" destination="data" mode="merge"/></execute>`,
		"input": `<execute namespace="Odd" procedure="Read"><after source="executeData" destination="procedureData" mode="merge"/></execute>
			<execute namespace="Odd" procedure="Saved"><before source="procedureData" destination="executeData" mode="merge"/></execute>`,
	} {
		b := newBench(t, sutler.Limits{}, odd, nil)
		resp, err := b.run(t, `<procedure><execute namespace="Sys" procedure="A"/>`+steps+`</procedure>`)
		if resp.Status != sutler.RolledBack || err == nil || !strings.Contains(err.Error(), "count(*)") {
			t.Errorf("%s: %s, %v, want an error that names the element", name, resp.Status, err)
		}
	}
}

// TestControlCharactersDoNotStopTheWayBack sends an error text with characters
// that XML cannot hold through a catch into the record of a call.
func TestControlCharactersDoNotStopTheWayBack(t *testing.T) {
	odd := funcs{process: func(context.Context, *sutler.Call) error {
		return &sutler.Error{Code: sutler.Failed, Err: errors.New("\x1b[31mred\x1b[0m\x00\xff ]]> <&"), Detail: "<a>\x01</a>\xfe"}
	}}
	b := newBench(t, sutler.Limits{}, odd, nil)
	resp, err := b.run(t, `<procedure><try><execute namespace="Odd" procedure="Read"/></try>
		<catch><execute namespace="Sys" procedure="A"><before source="context" sourcePath="errorContext" destination="executeData"/></execute></catch>
		<execute namespace="Odd" procedure="Read"/></procedure>`)
	b.wantUndone(t, resp, err, sutler.Failed)
	if _, err := xmltree.Parse(resp.XML, xmltree.Options{}); err != nil {
		t.Errorf("the response is not XML: %v", err)
	}
}

// TestReadThatActsIsRefused calls a procedure that flushes, which means that
// it acts, through a namespace that calls it a read.
func TestReadThatActsIsRefused(t *testing.T) {
	acted := false
	odd := funcs{process: func(ctx context.Context, c *sutler.Call) error {
		if err := c.Rollback.Flush(ctx); err != nil {
			return err
		}
		acted = true
		return nil
	}}
	b := newBench(t, sutler.Limits{}, odd, nil)
	_, err := b.run(t, `<procedure><execute namespace="Odd" procedure="Read"/></procedure>`)
	if acted || err == nil || !strings.Contains(err.Error(), "type") {
		t.Errorf("acted without a record: %v; error %v", acted, err)
	}
}

// TestCancelDuringARead cancels while a read does not come back.
func TestCancelDuringARead(t *testing.T) {
	inside, leave := make(chan struct{}), make(chan struct{})
	odd := funcs{process: func(context.Context, *sutler.Call) error { close(inside); <-leave; return nil }}
	b := newBench(t, sutler.Limits{}, odd, nil)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-inside; cancel() }()
	_, err := b.Submit(ctx, admin, trusted(t, `<request><procedure><try><execute namespace="Odd" procedure="Read"/></try><catch/></procedure></request>`))
	close(leave)
	if sutler.CodeOf(err) != sutler.Cancelled || strings.Contains(err.Error(), "callTime") {
		t.Errorf("Submit: %v (code %s), want code Cancelled", err, sutler.CodeOf(err))
	}
}

// TestCodesOfProvidersAreTheirOwn returns from a provider the codes by which
// the engine ends a transaction: a catch sees them all the same.
func TestCodesOfProvidersAreTheirOwn(t *testing.T) {
	for name, fault := range map[string]error{
		"cancelled": sutler.Errorf(sutler.Cancelled, "the user closed the window"),
		"limit":     sutler.Errorf(sutler.LimitReached, "the mailbox is full"),
		"refused":   sutler.Errorf(sutler.LogRefused, "the log of the mail server said no"),
		"context":   fmt.Errorf("cannot ask: %w", context.Canceled),
	} {
		b := newBench(t, sutler.Limits{}, funcs{process: func(context.Context, *sutler.Call) error { return fault }}, nil)
		resp, err := b.run(t, `<procedure><try><execute namespace="Odd" procedure="Read"/></try><catch><execute namespace="Sys" procedure="A"/></catch></procedure>`)
		if err != nil || resp.Status != sutler.Committed {
			t.Errorf("%s: %s, %v, want it to be caught", name, resp.Status, err)
		}
	}
}

// TestLimitInAProviderIsNotCaught lets the output of a provider go beyond the
// nodes that a transaction may have.
func TestLimitInAProviderIsNotCaught(t *testing.T) {
	odd := funcs{process: func(_ context.Context, c *sutler.Call) error {
		for {
			if err := c.Data.Append(c.Data.Document().NewElement(xmltree.Name{Local: "x"})); err != nil {
				return fmt.Errorf("cannot answer: %w", err)
			}
		}
	}}
	b := newBench(t, sutler.Limits{TreeNodes: 1000}, odd, nil)
	resp, err := b.run(t, `<procedure><execute namespace="Sys" procedure="A"/><try><execute namespace="Odd" procedure="Read"/></try><catch/></procedure>`)
	b.wantUndone(t, resp, err, sutler.LimitReached)
}

// TestCallIsTheEnginesOwn lets a provider change everything in its call: the
// records speak of the call all the same.
func TestCallIsTheEnginesOwn(t *testing.T) {
	odd := funcs{process: func(ctx context.Context, c *sutler.Call) error {
		if err := c.Rollback.Flush(ctx); err != nil {
			return err
		}
		rollback := c.Rollback
		*c = sutler.Call{Seq: 99, Transaction: "{other}", Type: sutler.Read, Data: c.Data}
		rollback.Set("k", "v")
		return nil
	}}
	b := newBench(t, sutler.Limits{}, odd, nil)
	resp, err := b.run(t, `<procedure><execute namespace="Odd" procedure="Write"/><execute namespace="Odd" procedure="Write"/></procedure>`)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range b.fold(t, resp.Transaction).Steps {
		if s.Status != sutler.CallDone || s.Procedure != "Write" || !slices.Equal(s.Rollback, []sutler.Pair{{Name: "k", Value: "v"}}) {
			t.Errorf("step %+v", s)
		}
	}
}

// TestErrorsAreNotShared returns the same error from every call, as a
// provider does that keeps one in a variable.
func TestErrorsAreNotShared(t *testing.T) {
	fault := sutler.Errorf(sutler.Exists, "it exists")
	b := newBench(t, sutler.Limits{}, funcs{process: func(context.Context, *sutler.Call) error { return fault }}, nil)
	var wg sync.WaitGroup
	for range 8 {
		req := trusted(t, `<request><procedure><execute namespace="Odd" procedure="Write"/></procedure></request>`)
		wg.Go(func() {
			if resp, _ := b.Submit(context.Background(), admin, req); len(resp.Err.Sources) != 1 {
				t.Errorf("sources %v, want one", resp.Err.Sources)
			}
		})
	}
	wg.Wait()
	if len(fault.Sources) > 0 || fault.Seq != 0 || fault.Transaction != "" {
		t.Errorf("the provider's error was changed: %+v", fault)
	}
}

// TestSmallLimitsDoNotLockOut starts an engine whose limits are below what
// its registered namespaces need: whoever set them must be able to set others.
func TestSmallLimitsDoNotLockOut(t *testing.T) {
	config := &sutlertest.Config{}
	start := func(l sutler.Limits) error {
		e, err := engine.New(t.Context(), engine.Options{
			Lease: sutler.Lease{Engine: "e1", Fence: 1}, Log: sutlertest.NewLog(), Config: config, Limits: l,
			Builtin: []sutler.Source{{File: "sys.xml", Text: []byte(sysNamespace)}},
			Now:     time.Now, NewID: func() sutler.TransactionID { return "{1}" },
		})
		if err == nil && l == (sutler.Limits{}) {
			_, err = e.Register(t.Context(), admin, sutler.Source{File: "n.xml", Text: []byte(benchNamespaces)})
		}
		return err
	}
	if err := start(sutler.Limits{}); err != nil {
		t.Fatal(err)
	}
	if err := start(sutler.Limits{RequestBytes: 10, Depth: 1}); err != nil {
		t.Errorf("New with small limits: %v", err)
	}
}

// TestAbandonedCallGoesOnAlone lets abandoned calls of every phase go on
// editing all they were given, while the transaction and its undoing go on.
// The race detector looks on.
func TestAbandonedCallGoesOnAlone(t *testing.T) {
	stop := make(chan struct{})
	var gone sync.WaitGroup
	edit := func(c *sutler.Call) {
		gone.Add(1)
		defer gone.Done()
		defer func() { <-stop }()
		for i := range 2000 {
			c.Rollback.Set("k", fmt.Sprint(i))
			_ = c.Rollback.Flush(context.Background())
			c.Bag.Set("k", fmt.Sprint(i))
			c.Context.SetAttr(xmltree.Name{Local: "a"}, fmt.Sprint(i))
			if c.Data != nil {
				_ = c.Data.Append(c.Data.Document().NewElement(xmltree.Name{Local: "x"}))
			}
			runtime.Gosched()
		}
	}
	hang := map[string]bool{}
	var mu sync.Mutex
	once := func(key string) bool {
		mu.Lock()
		defer mu.Unlock()
		defer func() { hang[key] = true }()
		return !hang[key]
	}
	odd := funcs{
		process: func(_ context.Context, c *sutler.Call) error {
			if c.Seq == 2 || c.Type == sutler.Read {
				edit(c)
			}
			return nil
		},
		rollback: func(_ context.Context, c *sutler.Call) error {
			if c.Seq == 1 && once(string(c.Transaction)) {
				edit(c)
			}
			return nil
		},
		traits: func(string) sutler.Traits { return sutler.Traits{NoAnswer: sutler.Repeatable} },
	}
	b := newBench(t, sutler.Limits{CallTime: 400}, odd, nil, `<namespace name="C"><procedure name="P" access="public" type="write">
		<try><execute namespace="Odd" procedure="Read"><before source="data" destination="executeData" mode="merge"/></execute></try><catch/></procedure></namespace>`)
	resp, err := b.run(t, `<data><n>1</n></data><procedure>
		<execute namespace="Odd" procedure="Saved"><before source="data" destination="executeData" mode="merge"/></execute>
		<try><execute namespace="Odd" procedure="Saved"><before source="data" destination="executeData" mode="merge"/></execute></try>
		<catch><transform><before source="context" sourcePath="errorContext" destination="data"/></transform></catch>
		<execute namespace="C" procedure="P"><before source="data" destination="executeData" mode="merge"/><after source="executeData" destination="data" mode="merge"/></execute>
		<execute namespace="Sys" procedure="A"><executeData><fail phase="process" text="no"/></executeData></execute></procedure>`)
	if resp.Status != sutler.RollbackFailed || err == nil || !strings.Contains(err.Error(), "no") {
		t.Errorf("Submit: %s, %v", resp.Status, err)
	}
	for st := resp.Status; st != sutler.RolledBack; { // a busy machine may take several rounds
		if st, err = b.Resolve(t.Context(), admin, resp.Transaction, again); err != nil {
			t.Fatalf("Retry: %v", err)
		}
	}
	if _, err := b.Submit(t.Context(), admin, simple(t, "Odd", "Read", `<request><data><n/></data></request>`)); sutler.CodeOf(err) != sutler.TimedOut {
		t.Errorf("simple request: %v", err)
	}
	close(stop)
	gone.Wait()
}

// TestAbandonedCallKeepsItsDocument ends a transaction in each way that there
// is while a call of it still hangs: its document must not be recycled.
func TestAbandonedCallKeepsItsDocument(t *testing.T) {
	for name, c := range map[string]struct {
		policy sutler.Policy
		lose   bool // the log dies while the call hangs
		want   sutler.Code
	}{
		"undone":   {sutler.Repeatable, false, sutler.TimedOut},
		"in doubt": {sutler.Operator, false, sutler.Doubt},
		"let go":   {sutler.Repeatable, true, sutler.LogFailed},
	} {
		t.Run(name, func(t *testing.T) {
			var b *bench
			stop, kept := make(chan struct{}), make(chan *sutler.Call, 1)
			odd := funcs{
				process: func(_ context.Context, call *sutler.Call) error {
					if call.Procedure != "Write" {
						return nil
					}
					if c.lose {
						b.log.DieBefore(1)
						_ = call.Rollback.Flush(context.Background())
					}
					kept <- call
					<-stop
					return nil
				},
				traits: func(string) sutler.Traits { return sutler.Traits{NoAnswer: c.policy} },
			}
			b = newBench(t, sutler.Limits{CallTime: 300}, odd, nil)
			_, err := b.run(t, `<procedure><execute namespace="Odd" procedure="Write"><executeData><mine/></executeData></execute></procedure>`)
			if sutler.CodeOf(err) != c.want {
				t.Errorf("Submit: %v, want code %v", err, c.want)
			}
			b.log.Revive()
			for range 20 { // whoever recycles nodes gives them to these
				_, _ = b.run(t, `<procedure><execute namespace="Odd" procedure="Read"><executeData><other/></executeData></execute></procedure>`)
			}
			call := <-kept
			if call.Data.Local() != "executeData" || call.Data.FirstElement() == nil || call.Data.FirstElement().Local() != "mine" {
				t.Errorf("the document of a call that still runs was recycled: it holds %s", call.Data)
			}
			close(stop)
		})
	}
}

// TestProviderThatDoesNotKnow returns code NoAnswer after acting: that is no
// error of the call but an unknown effect.
func TestProviderThatDoesNotKnow(t *testing.T) {
	for policy, want := range map[sutler.Policy]sutler.Status{sutler.Repeatable: sutler.RolledBack, sutler.Operator: sutler.InDoubt} {
		undone := false
		odd := funcs{
			process: func(context.Context, *sutler.Call) error {
				return sutler.Errorf(sutler.NoAnswer, "the connection was cut while committing")
			},
			rollback: func(context.Context, *sutler.Call) error { undone = true; return nil },
			traits:   func(string) sutler.Traits { return sutler.Traits{NoAnswer: policy} },
		}
		b := newBench(t, sutler.Limits{}, odd, nil)
		resp, err := b.run(t, `<procedure><execute namespace="Odd" procedure="Write"/></procedure>`)
		if err == nil || resp.Status != want || undone != (policy == sutler.Repeatable) {
			t.Errorf("%s: %s, undone %v (%v), want %s", policy, resp.Status, undone, err, want)
		}
	}
}

// TestStop tells the engine to stop in the middle of a call: no catch makes
// up for that, and everything done is undone.
func TestStop(t *testing.T) {
	for name, steps := range map[string]string{
		"at the end":      `<try><execute namespace="Odd" procedure="Write"/></try><catch/>`,
		"before a call":   `<try><execute namespace="Odd" procedure="Write"/></try><catch/><execute namespace="Two" procedure="Operator"/>`,
		"inside a catch":  `<try><execute namespace="Sys" procedure="Nothing"/></try><catch><execute namespace="Odd" procedure="Write"/></catch>`,
		"of a read":       `<try><execute namespace="Odd" procedure="Read"/></try><catch/>`,
		"of a doubtful":   `<try><execute namespace="Odd" procedure="Saved"/></try><catch/>`,
		"without a catch": `<execute namespace="Odd" procedure="Write"/>`,
	} {
		t.Run(name, func(t *testing.T) {
			var b *bench
			undone := 0
			odd := funcs{
				process: func(ctx context.Context, c *sutler.Call) error {
					if err := c.Rollback.Flush(ctx); err != nil && c.Type != sutler.Read {
						return err
					}
					b.stop()
					<-ctx.Done()
					if c.Procedure == "Saved" {
						return sutler.Errorf(sutler.NoAnswer, "cannot say what became of it")
					}
					return ctx.Err()
				},
				rollback: func(context.Context, *sutler.Call) error { undone++; return nil },
			}
			b = newBench(t, sutler.Limits{}, odd, nil)
			resp, err := b.run(t, `<procedure><execute namespace="Two" procedure="Operator"/>`+steps+`</procedure>`)
			b.wantUndone(t, resp, err, sutler.Cancelled)
			if want := strings.Count(steps, "Saved"); undone != want {
				t.Errorf("the interrupted call was undone %d times, want %d", undone, want)
			}
		})
	}
}
