// Package fault is the provider of the Fault Namespace: procedures that fail,
// panic, sleep, hang and count on command, so that a namespace, an engine or
// an installation can be shown what it does then. The same input always gives
// the same fault.
package fault

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"sutler"
	"sutler/provider"
)

//go:embed namespace.xml
var namespace string

// Namespace returns the namespace file of the provider.
func Namespace() []byte { return []byte(namespace) }

// New returns a provider that keeps its counters in a folder of root, so that
// they outlive the process, or in memory when root is nil. What else it
// keeps, failures counted down by times and doors that were released, is
// always in memory.
func New(root *os.Root) provider.Procedures {
	p := &faults{failed: map[string]int{}, doors: map[string]chan struct{}{}}
	p.counters = memory{}
	if root != nil {
		p.counters = folder{root}
	}
	return provider.Procedures{
		"Fail": {
			Process: p.process(p.fail), Prepare: p.later("prepare", p.fail), Commit: p.later("commit", p.fail),
			Rollback: p.later("rollback", p.fail), Flushes: true, NoAnswer: sutler.Repeatable, UndoAsService: true,
		},
		"FailWrite": {
			Process: p.process(p.fail), Rollback: p.later("rollback", p.fail),
			Flushes: true, NoAnswer: sutler.Repeatable, UndoAsService: true,
		},
		"Panic": {
			Process: p.process(crash), Prepare: p.later("prepare", crash), Commit: p.later("commit", crash),
			Rollback: p.later("rollback", crash), Flushes: true, NoAnswer: sutler.Repeatable, UndoAsService: true,
		},
		"Sleep":   {Process: sleep},
		"Count":   {Process: p.count, Rollback: p.uncount, Flushes: true, NoAnswer: sutler.Repeatable, UndoAsService: true},
		"Value":   {Process: p.value},
		"Hang":    {Process: p.hang},
		"Release": {Process: p.release},
	}
}

type faults struct {
	mu       sync.Mutex
	failed   map[string]int           // how often a call has failed in a phase
	doors    map[string]chan struct{} // closed when released
	counters counters
}

// happen is a fault that a call carries out in one phase. It reads what it
// needs from the rollback data.
type happen func(c *sutler.Call, phase string) error

// process remembers the fault and carries it out when its phase is process.
func (p *faults) process(do happen) provider.Func {
	return func(ctx context.Context, c *sutler.Call) error {
		given := provider.Optional(c, "phase", "process")
		phase := strings.ToLower(given)
		switch phase {
		case "process", "rollback":
		case "prepare", "commit":
			if c.Type != sutler.TwoPhase {
				return provider.BadInput(c, "phase", given, "a procedure of type write has only process and rollback")
			}
		default:
			return provider.BadInput(c, "phase", given, "it must be process, prepare, commit or rollback")
		}
		code, err := sutler.ParseCode(provider.Optional(c, "code", sutler.Failed.String()))
		if err != nil {
			return sutler.Errorf(sutler.BadInput, "cannot call %q: input code: %w", c.Procedure, err)
		}
		if code == sutler.OK {
			return provider.BadInput(c, "code", code.String(), "it means success")
		}
		times, err := number(c, "times", 0)
		if err != nil {
			return err
		}
		c.Rollback.Set("phase", phase)
		c.Rollback.Set("code", code.String())
		c.Rollback.Set("text", provider.Optional(c, "text", "made to fail"))
		c.Rollback.Set("times", strconv.Itoa(times))
		if err := c.Rollback.Flush(ctx); err != nil {
			return err
		}
		return p.at("process", do, c)
	}
}

// later carries the remembered fault out when its phase is phase.
func (p *faults) later(phase string, do happen) provider.Func {
	return func(_ context.Context, c *sutler.Call) error { return p.at(phase, do, c) }
}

func (p *faults) at(phase string, do happen, c *sutler.Call) error {
	if c.Rollback.Get("phase") != phase {
		return nil
	}
	return do(c, phase)
}

// fail returns the remembered error, if times is not 0 only so often.
func (p *faults) fail(c *sutler.Call, phase string) error {
	code, err := sutler.ParseCode(c.Rollback.Get("code"))
	if err != nil {
		return sutler.Errorf(sutler.Corrupt, "cannot read the rollback data of %q: %w", c.Procedure, err)
	}
	times, err := strconv.Atoi(c.Rollback.Get("times"))
	if err != nil {
		return sutler.Errorf(sutler.Corrupt, "cannot read the rollback data of %q: %w", c.Procedure, err)
	}
	if times > 0 {
		key := fmt.Sprintf("%s %s", key(c), phase)
		p.mu.Lock()
		p.failed[key]++
		over := p.failed[key] > times
		p.mu.Unlock()
		if over {
			return nil
		}
	}
	return &sutler.Error{Code: code, Err: errors.New(c.Rollback.Get("text"))}
}

// crash panics, which is what it is for.
func crash(c *sutler.Call, phase string) error {
	panic(fmt.Sprintf("%s (in %s)", c.Rollback.Get("text"), phase))
}

// sleep waits, and stops with the error of ctx when that ends first.
func sleep(ctx context.Context, c *sutler.Call) error {
	if _, err := provider.Required(c, "milliseconds"); err != nil {
		return err
	}
	n, err := number(c, "milliseconds", 0)
	if err != nil {
		return err
	}
	timer := time.NewTimer(time.Duration(n) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("cannot sleep %d ms: %w", n, ctx.Err())
	}
}

// hang waits until its door is released and listens to nothing else.
func (p *faults) hang(_ context.Context, c *sutler.Call) error {
	name, err := provider.Required(c, "name")
	if err != nil {
		return err
	}
	<-p.door(name)
	return nil
}

// release opens a door for all calls that wait at it and for all to come.
func (p *faults) release(_ context.Context, c *sutler.Call) error {
	name, err := provider.Required(c, "name")
	if err != nil {
		return err
	}
	door := p.door(name)
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-door:
	default:
		close(door)
	}
	return nil
}

func (p *faults) door(name string) chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.doors[name] == nil {
		p.doors[name] = make(chan struct{})
	}
	return p.doors[name]
}

// count adds the call to a counter and returns how many calls it holds.
func (p *faults) count(ctx context.Context, c *sutler.Call) error {
	name, err := counterName(c)
	if err != nil {
		return err
	}
	c.Rollback.Set("name", name)
	if err := c.Rollback.Flush(ctx); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.counters.add(name, key(c)); err != nil {
		return fmt.Errorf("cannot count %q: %w", name, err)
	}
	return p.report(c, name)
}

// uncount takes the call out of its counter, if it is there.
func (p *faults) uncount(_ context.Context, c *sutler.Call) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := c.Rollback.Get("name")
	if err := p.counters.remove(name, key(c)); err != nil {
		return fmt.Errorf("cannot count %q back: %w", name, err)
	}
	return nil
}

// value returns how many calls a counter holds.
func (p *faults) value(_ context.Context, c *sutler.Call) error {
	name, err := counterName(c)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.report(c, name)
}

// report writes result/@value. p.mu is held.
func (p *faults) report(c *sutler.Call, name string) error {
	n, err := p.counters.size(name)
	if err != nil {
		return fmt.Errorf("cannot read counter %q: %w", name, err)
	}
	r, err := provider.Result(c)
	if err != nil {
		return err
	}
	provider.SetAttr(r, "value", strconv.Itoa(n))
	return nil
}

// key names a call for ever.
func key(c *sutler.Call) string {
	return fmt.Sprintf("%s-%d", strings.Trim(string(c.Transaction), "{}"), c.Seq)
}

func number(c *sutler.Call, input string, otherwise int) (int, error) {
	v := provider.Optional(c, input, "")
	if v == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > 1e9 {
		return 0, provider.BadInput(c, input, v, "it must be a whole number from 0 to 1000000000")
	}
	return n, nil
}

func counterName(c *sutler.Call) (string, error) {
	name := provider.Optional(c, "name", "calls")
	if !fs.ValidPath(name) || strings.ContainsAny(name, `/\:`) || name == "." {
		return "", provider.BadInput(c, "name", name, "it must be a plain name")
	}
	return name, nil
}
